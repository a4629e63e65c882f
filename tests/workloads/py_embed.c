/* A program not called python that runs Python inside: main → embedding_host → PyRun → embedded_outer →
 * embedded_inner. */
#include <Python.h>

static const char kScript[] =
    "import time\n"
    "def embedded_inner():\n"
    "    x = 1\n"
    "    for _ in range(20000):\n"
    "        x = (x * 1103515245 + 12345) & 0x7FFFFFFF\n"
    "def embedded_outer(end):\n"
    "    while time.monotonic() < end:\n"
    "        embedded_inner()\n"
    "embedded_outer(time.monotonic() + float(SECONDS))\n";

__attribute__((noinline)) int embedding_host(const char *seconds) {
	PyObject *globals = PyModule_GetDict(PyImport_AddModule("__main__"));
	PyObject *text = PyUnicode_FromString(seconds);
	PyDict_SetItemString(globals, "SECONDS", text);
	Py_DECREF(text);
	const int failed = PyRun_SimpleString(kScript);
	__asm__ volatile("" : : : "memory");
	return failed;
}

int main(int argc, char **argv) {
	Py_Initialize();
	const int failed = embedding_host(argc > 1 ? argv[1] : "1");
	return Py_FinalizeEx() < 0 || failed;
}
