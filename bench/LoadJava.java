// Burns CPU in recursion, a hash map and string building. Usage: java LoadJava.java SECONDS
import java.util.HashMap;

public class LoadJava {
    static int fib(int n) {
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
    }

    static int countWords() {
        HashMap<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 2000; i++) counts.merge("word" + i * 7919 % 1000, 1, Integer::sum);
        return counts.size();
    }

    public static void main(String[] arguments) {
        long end = System.nanoTime() + Long.parseLong(arguments[0]) * 1_000_000_000L;
        int sum = 0;
        while (System.nanoTime() < end) sum += fib(20) + countWords();
        System.out.println(sum);
    }
}
