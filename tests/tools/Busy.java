// Computes, allocates and contends for a lock, for so many seconds.
public class Busy {
  static long sum;
  static Object sink;

  static long fibonacci(int n) {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
  }

  static void allocate() {
    for (int i = 0; i < 100; i++) sink = new byte[4096];
  }

  static synchronized void contend() {
    sum += fibonacci(15);
  }

  public static void main(String[] arguments) throws InterruptedException {
    long end = System.nanoTime() + Long.parseLong(arguments[0]) * 1_000_000_000L;
    Runnable work = () -> {
      while (System.nanoTime() < end) {
        sum += fibonacci(18);
        allocate();
        contend();
      }
    };
    Thread other = new Thread(work);
    other.start();
    work.run();
    other.join();
  }
}
