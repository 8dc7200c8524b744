"""Jupyter's own suite (jupyter_kernel_test) with cells in TypeScript.

Usage: python kernel-test.py KERNEL_NAME. Prints one JSON object a test: {"test", "outcome", "reason"}.
"""

import json
import sys
import unittest

import jupyter_kernel_test
from jupyter_kernel_test.msgspec_v5 import validate_message

KERNEL = sys.argv[1] if len(sys.argv) > 1 else "cirlab"


class Suite(jupyter_kernel_test.KernelTests):
    kernel_name = KERNEL
    language_name = "typescript"
    file_extension = ".ts"

    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("oops")'
    code_generate_error = 'throw new RangeError("on purpose")'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "[1, 2].map((x: number) => x + 1)", "result": "[ 2, 3 ]"},
        {"code": "const twice = (x: number): number => 2 * x;\ntwice(4)", "result": "8"},
        {"code": "await Promise.resolve('later')", "result": "'later'"},
        {"code": "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>x</b>' }) })", "mime": "text/html"},
    ]
    code_history_pattern = "6 ? 7*"
    supported_history_operations = ("tail", "range", "search")
    code_display_data = [
        {"code": "display({ 'text/html': '<b>bold</b>' })", "mime": "text/html"},
        {"code": "display({ 'text/markdown': '**bold**' })", "mime": "text/markdown"},
        {"code": "display({ 'image/svg+xml': '<svg xmlns=\"http://www.w3.org/2000/svg\"/>' })", "mime": "image/svg+xml"},
        {"code": "display({ 'image/png': new Uint8Array([137, 80, 78, 71]) })", "mime": "image/png"},
        {"code": "display({ 'application/json': { a: [1] } })", "mime": "application/json"},
    ]
    code_clear_output = "globalThis[Symbol.for('Jupyter.host')].clear(false)"
    code_inspect_sample = "parseInt"
    completion_samples = [
        {"text": "parseF", "matches": ["parseFloat"]},
        {"text": "Math.hyp", "matches": ["hypot"]},
        {"text": "JSON.pars", "matches": ["parse"]},
    ]
    complete_code_samples = [
        "1 + 1",
        "const a: number = 1;",
        "function f(x: number) {\n  return x;\n}",
        "await Promise.resolve(1)",
        "// a comment",
        "type Pair<A> = [A, A];",
        "",
    ]
    incomplete_code_samples = [
        "function f() {",
        "const text = `open",
        "[1, 2,",
        "f(1,",
        "if (true) {\n  1",
        "/* open",
        "class A {\n  m() {",
        "const x =",
    ]
    invalid_code_samples = ["const = 3", "}", "1 +* 2", 'const s = "open']

    def test_pager(self):
        raise unittest.SkipTest("A pager: this kernel shows documentation by inspection alone.")

    def test_kernel_info_names_all_that_clients_read(self):
        self.flush_channels()
        msg_id = self.kc.kernel_info()
        content = self.kc.get_shell_msg(timeout=jupyter_kernel_test.TIMEOUT)["content"]
        for name in ("protocol_version", "implementation", "implementation_version", "banner", "help_links"):
            self.assertTrue(content[name], name)
        for name in ("version", "mimetype", "codemirror_mode", "nbconvert_exporter", "pygments_lexer"):
            self.assertTrue(content["language_info"][name], name)
        self.assertEqual(content["status"], "ok")

    def test_interrupt(self):
        """Through the kernel manager, as every Jupyter client interrupts (the kernelspec says how)."""
        self.flush_channels()
        self.execute_helper("let kept = 41")
        msg_id = self.kc.execute("console.log('busy'); while (true) {}")
        while self.kc.get_iopub_msg(timeout=jupyter_kernel_test.TIMEOUT)["msg_type"] != "stream":
            pass
        self.km.interrupt_kernel()
        reply = self.get_non_kernel_info_reply(timeout=jupyter_kernel_test.TIMEOUT)
        validate_message(reply, "execute_reply", msg_id)
        self.assertEqual(reply["content"]["status"], "error")
        self.flush_channels()
        reply, messages = self.execute_helper("kept + 1")
        self.assertEqual(messages[-1]["content"]["data"]["text/plain"], "42")

    def test_stdin(self):
        self.flush_channels()
        msg_id = self.kc.execute("await input('name? ', { password: true })", allow_stdin=True)
        request = self.kc.get_stdin_msg(timeout=jupyter_kernel_test.TIMEOUT)
        # Not validate_message: its schema wants a number where the protocol has a boolean.
        self.assertEqual(request["parent_header"]["msg_id"], msg_id)
        self.assertEqual(request["content"], {"prompt": "name? ", "password": True})
        self.kc.input("Ada")
        reply = self.get_non_kernel_info_reply(timeout=jupyter_kernel_test.TIMEOUT)
        self.assertEqual(reply["content"]["status"], "ok")

    def test_comm(self):
        self.flush_channels()
        msg_id = self.kc.comm_info()
        reply = self.get_non_kernel_info_reply(timeout=jupyter_kernel_test.TIMEOUT)
        validate_message(reply, "comm_info_reply", msg_id)

    def test_restart(self):
        """A restart by the manager keeps the ports: the same client goes on, with a new session."""
        self.flush_channels()
        self.execute_helper("let gone = 1")
        self.km.restart_kernel(now=False)
        self.kc.wait_for_ready(timeout=60)
        self.flush_channels()
        reply, _ = self.execute_helper("gone")
        self.assertEqual(reply["content"]["status"], "error")


class Welcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = KERNEL
    support_iopub_welcome = True


class Result(unittest.TestResult):
    def tell(self, test, outcome, reason=""):
        name = test.id().removeprefix("__main__.")
        print(json.dumps({"test": name, "outcome": outcome, "reason": reason}), flush=True)

    def addSuccess(self, test):
        self.tell(test, "passed")

    def addSkip(self, test, reason):
        self.tell(test, "skipped", reason)

    def addFailure(self, test, err):
        self.tell(test, "failed", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.tell(subtest, "failed", self._exc_info_to_string(err, test))

    addError = addFailure


if __name__ == "__main__":
    loader = unittest.TestLoader()
    unittest.TestSuite([loader.loadTestsFromTestCase(Suite), loader.loadTestsFromTestCase(Welcome)]).run(Result())
