/* A program not called perl with two interpreters of one thread: main → embedding_host → call_sv → Embedded::outer →
 * Embedded::inner, in turns of three and one. */
#include <EXTERN.h>
#include <perl.h>

static PerlInterpreter *made(const char *script) {
	char *arguments[] = {"", "-e", (char *)script, NULL};
	PerlInterpreter *my_perl = perl_alloc();

	PERL_SET_CONTEXT(my_perl);
	perl_construct(my_perl);
	perl_parse(my_perl, NULL, 3, arguments, NULL);
	return my_perl;
}

__attribute__((noinline)) void embedding_host(PerlInterpreter *my_perl) {
	dSP;

	PERL_SET_CONTEXT(my_perl);
	PUSHMARK(SP);
	call_pv("Embedded::outer", G_DISCARD | G_NOARGS);
	__asm__ volatile("" : : : "memory");
}

int main(int argc, char **argv, char **environment) {
	const time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 1);

	PERL_SYS_INIT3(&argc, &argv, &environment);
	PerlInterpreter *often = made("package Embedded; sub inner { my ($n, $x) = (3000, 1); $x = $x * 3 & 0xffff while $n-- > 0; }"
				      " sub outer { my $x = inner(); inner(); inner(); return; }");
	PerlInterpreter *rarely = made("package Embedded; sub other { my ($n, $x) = (3000, 1); $x = $x * 3 & 0xffff while $n-- > 0; }"
				       " sub outer { my $x = other(); return; }");
	while (time(NULL) < end) {
		embedding_host(often);
		embedding_host(rarely);
	}
	return 0;
}
