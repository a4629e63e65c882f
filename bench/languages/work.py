"""Does as many units of work as each line of its input says, and answers with a line: fixed work twenty calls deep."""
import sys


class Worker:
    def unit(self, depth):
        if depth:
            return self.unit(depth - 1) + 1
        return self.count_words() + self.sum_numbers()

    def count_words(self):
        counts = {}
        for i in range(300):
            word = str(i * 7919 % 100)
            counts[word] = counts.get(word, 0) + 1
        return len(sorted(counts))

    def sum_numbers(self):
        total = 0
        for i in range(4000):
            total += i * i % 7
        return total


def main():
    worker = Worker()
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            worker.unit(20)
        print("done", flush=True)


main()
