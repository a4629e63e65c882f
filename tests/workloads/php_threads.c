/* PHP with thread safety inside a C program: two threads, each with a request of its own. Usage: php_threads SECONDS */
#include <pthread.h>
#include <sapi/embed/php_embed.h>

static const char *seconds;

__attribute__((noinline)) static void *thread_host(void *name)
{
	char code[600];

	(void)ts_resource(0); /* makes this thread's globals */
	if (EG(bailout))      /* so that libphp's executor_globals_offset becomes this program's */
		return NULL;
	snprintf(code, sizeof(code),
		 "function burn($n) { $x = 1; while ($n-- > 0) $x = ($x * 1103515245 + 12345) & 0x7fffffff; return $x; }\n"
		 "function %s($end) { while (microtime(true) < $end) burn(20000); }\n"
		 "%s(microtime(true) + %s);",
		 (const char *)name, (const char *)name, seconds);
	if (php_request_startup() == SUCCESS) {
		zend_eval_string(code, NULL, "a thread");
		php_request_shutdown(NULL);
	}
	ts_free_thread();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];

	seconds = argc > 1 ? argv[1] : "8";
	if (php_embed_init(argc, argv) != SUCCESS)
		return 1;
	pthread_create(&threads[0], NULL, thread_host, "first_thread");
	pthread_create(&threads[1], NULL, thread_host, "second_thread");
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	php_embed_shutdown();
	return 0;
}
