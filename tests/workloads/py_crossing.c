/* A Python extension whose one function calls back into Python: outer → c_call_back → callback. Stable ABI, so that one
 * build serves every Python from 3.11 on; free-threaded ones, which have none, get their own. */
#ifndef OWN_ABI
#define Py_LIMITED_API 0x030b0000
#endif
#include <Python.h>

/* Not inlined and not a tail call, so that it is a frame of its own. */
__attribute__((noinline)) PyObject *c_call_back(PyObject *module, PyObject *callable) {
	PyObject *result = PyObject_CallFunctionObjArgs(callable, NULL);
	__asm__ volatile("" : : "r"(module) : "memory");
	return result;
}

static PyMethodDef methods[] = {{"call_back", c_call_back, METH_O, "Calls its argument."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "py_crossing", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_py_crossing(void) { return PyModule_Create(&definition); }
