<?php
// Keeps an interpreter mapped that others run for moments.
sleep(60);
