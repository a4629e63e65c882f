module go_busy

go 1.19
