"""The checker itself: a checker that lets everything pass is worse than none."""
import os
import re
import sys
import unittest
from collections import namedtuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import Case, CaseError, Share, truth_faults
from collapsed import Profile, named_share, whole_share
from matrix import Matrix

SAMPLE = """# {"data_quality": {"taken": 103, "whole": 95, "guessed": 1, "truncated": 4, "unwalked": 0, "lost": {"ring full": 3}}}
0;;demo;_start;main;burn_thirty 30
0;;demo;appid: demo;_start;main;burn_seventy 65
0;;demo;[truncated];recurse;recurse 4
0;;other;[guessed];(libc.so.6+0x271f0);main 1"""


class CollapsedTest(unittest.TestCase):
    def test_lines_and_sums(self):
        profile = Profile(SAMPLE)
        self.assertEqual(profile.quality_faults(), [])
        self.assertEqual(sum(profile.of("demo").values()), 99)
        self.assertEqual(profile.of("demo")["_start;main;burn_seventy"], 65)
        self.assertAlmostEqual(whole_share(profile.of("demo")), 100 * 95 / 99)
        self.assertAlmostEqual(named_share(profile.of("other")), 50)

    def test_sums_that_do_not_hold(self):
        self.assertEqual(len(Profile(SAMPLE.replace('"taken": 103', '"taken": 104')).quality_faults()), 1)
        self.assertEqual(len(Profile(SAMPLE.replace("burn_thirty 30", "burn_thirty 29")).quality_faults()), 1)

    def test_broken_lines(self):
        for line in ("0;;demo;main", "0;;demo;main 0", "demo;main 3", "0;;demo;ma\nin 3"):
            with self.assertRaises(ValueError):
                Profile(f"# {{}}\n{line}")


class CaseTest(unittest.TestCase):
    def faults(self, text):
        return Case("demo", f"WORKLOAD demo\n{text}").faults(Profile(SAMPLE), "demo")

    def test_what_holds(self):
        self.assertEqual(self.faults(r"EXPECT ^_start;main;burn_thirty$"), [])
        self.assertEqual(self.faults("SHARE burn_thirty 30"), [])
        self.assertEqual(self.faults("SHARE burn_thirty 25..35"), [])
        self.assertEqual(self.faults("WHOLE 95"), [])

    def test_what_does_not(self):
        for text in ("EXPECT ^main", "REJECT truncated", "SHARE burn_thirty 60", "SHARE burn_thirty 31..35", "WHOLE 97",
                     "SAMPLES 100", "ONLY", "NOTHING_LOST"):
            self.assertEqual(len(self.faults(text)), 1, text)

    def test_truth(self):
        stacks, pattern = {"main;a": 700, "main;b": 300}, ";{}$"
        self.assertEqual(truth_faults(stacks, pattern, ["a 6900 10000", "b 3100 10000"]), [])
        self.assertEqual(len(truth_faults(stacks, pattern, ["a 2000 10000", "b 8000 10000"])), 2)
        self.assertEqual(len(truth_faults(stacks, pattern, [])), 1)

    def test_case_files(self):
        for text in ("SUITES sid", "SUITES sid etch\nPACKAGES x\nPROGRAM /x", "SHOWS ruby nothing", "EXPECTED x", "WHOLE", "FULL yes", "SHARE ( 3", "EXPECT (", "SHARE x y"):
            with self.assertRaises(CaseError, msg=text):
                Case("demo", f"WORKLOAD demo\n{text}")
        with self.assertRaises(CaseError):
            Case("demo", "EXPECT x")

    def test_exact_shares_allow_for_chance(self):
        self.assertTrue(Share("x 30").exact)
        self.assertIsNone(Share("x 30").check({"x": 280, "y": 720}, precise=False))
        self.assertIsNotNone(Share("x 30").check({"x": 28000, "y": 72000}, precise=True))


class MatrixTest(unittest.TestCase):
    def test_a_cell_is_as_bad_as_its_worst_case(self):
        matrix, of = Matrix(), namedtuple("Instance", "case version suite")
        for shows, word in (("ruby frames lines", "PASS"), ("ruby frames", "FAIL"), ("ruby short", "SKIP"), (None, "FAIL")):
            matrix.add(of(Case("demo", f"WORKLOAD x\n{'SHOWS ' + shows if shows else ''}"), lambda: "3.1", "sid"), word)
        self.assertEqual(matrix.text().splitlines()[1].split(),
                         ["ruby", "3.1", "sid", "NO", "yes", "-", "skip", "FAIL"])


if __name__ == "__main__":
    unittest.main()
