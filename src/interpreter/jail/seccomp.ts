/**
 * The system-call filter of the jail, assembled here as classic BPF so that no library is needed: a list of calls that
 * fail, on top of namespaces, dropped capabilities and no_new_privs.
 */

/** What differs between machines. Numbers are the kernel's (asm/unistd_64.h, asm-generic/unistd.h). */
export interface SystemCallTable {
  /** `AUDIT_ARCH_*` of linux/audit.h. */
  audit: number;
  clone: number;
  /** Calls from this number on belong to another ABI (x32) and end the process. */
  foreignFrom: number | undefined;
  /** Calls that fail with EPERM. */
  denied: Record<string, number>;
}

const clone3 = 435;

/** Denied calls that have the same number on every machine. */
const common = {
  pidfd_send_signal: 424,
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  pidfd_open: 434,
  pidfd_getfd: 438,
  process_madvise: 440,
  mount_setattr: 442,
  quotactl_fd: 443,
  landlock_create_ruleset: 444,
  memfd_secret: 447,
};

/** System-call tables by Node's name of the machine; arm64 has not been run yet. */
export const systemCalls: Partial<Record<NodeJS.Architecture, SystemCallTable>> = {
  x64: {
    audit: 0xc000003e,
    clone: 56,
    foreignFrom: 0x40000000,
    denied: {
      ...common,
      shmget: 29,
      shmat: 30,
      socket: 41,
      fork: 57,
      vfork: 58,
      execve: 59,
      semget: 64,
      msgget: 68,
      ptrace: 101,
      syslog: 103,
      setpgid: 109,
      setsid: 112,
      mknod: 133,
      uselib: 134,
      personality: 135,
      ustat: 136,
      sysfs: 139,
      sched_setscheduler: 144,
      modify_ldt: 154,
      pivot_root: 155,
      _sysctl: 156,
      adjtimex: 159,
      chroot: 161,
      acct: 163,
      settimeofday: 164,
      mount: 165,
      umount2: 166,
      swapon: 167,
      swapoff: 168,
      reboot: 169,
      iopl: 172,
      ioperm: 173,
      init_module: 175,
      delete_module: 176,
      quotactl: 179,
      sched_setaffinity: 203,
      lookup_dcookie: 212,
      clock_settime: 227,
      mbind: 237,
      mq_open: 240,
      kexec_load: 246,
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      inotify_init: 253,
      migrate_pages: 256,
      mknodat: 259,
      unshare: 272,
      vmsplice: 278,
      move_pages: 279,
      inotify_init1: 294,
      perf_event_open: 298,
      fanotify_init: 300,
      name_to_handle_at: 303,
      open_by_handle_at: 304,
      clock_adjtime: 305,
      setns: 308,
      process_vm_readv: 310,
      process_vm_writev: 311,
      kcmp: 312,
      finit_module: 313,
      sched_setattr: 314,
      memfd_create: 319,
      kexec_file_load: 320,
      bpf: 321,
      execveat: 322,
      userfaultfd: 323,
    },
  },
  arm64: {
    audit: 0xc00000b7,
    clone: 220,
    foreignFrom: undefined,
    denied: {
      ...common,
      lookup_dcookie: 18,
      inotify_init1: 26,
      mknodat: 33,
      umount2: 39,
      mount: 40,
      pivot_root: 41,
      chroot: 51,
      quotactl: 60,
      vmsplice: 75,
      acct: 89,
      personality: 92,
      unshare: 97,
      kexec_load: 104,
      init_module: 105,
      delete_module: 106,
      clock_settime: 112,
      syslog: 116,
      ptrace: 117,
      sched_setscheduler: 119,
      sched_setaffinity: 122,
      reboot: 142,
      setpgid: 154,
      setsid: 157,
      settimeofday: 170,
      adjtimex: 171,
      mq_open: 180,
      msgget: 186,
      semget: 190,
      shmget: 194,
      shmat: 196,
      socket: 198,
      add_key: 217,
      request_key: 218,
      keyctl: 219,
      execve: 221,
      swapon: 224,
      swapoff: 225,
      mbind: 235,
      migrate_pages: 238,
      move_pages: 239,
      perf_event_open: 241,
      fanotify_init: 262,
      name_to_handle_at: 264,
      open_by_handle_at: 265,
      clock_adjtime: 266,
      setns: 268,
      process_vm_readv: 270,
      process_vm_writev: 271,
      kcmp: 272,
      finit_module: 273,
      sched_setattr: 274,
      memfd_create: 279,
      bpf: 280,
      execveat: 281,
      userfaultfd: 282,
      kexec_file_load: 294,
    },
  },
};

const load = 0x20;
const jumpIfEqual = 0x15;
const jumpIfAtLeast = 0x35;
const jumpIfAnySet = 0x45;
const end = 0x06;
const allow = 0x7fff0000;
const killProcess = 0x80000000;
const fail = (errno: number): number => 0x00050000 | errno;
const eperm = 1;
const eagain = 11;
const enosys = 38;
const cloneThread = 0x00010000;
/** Offsets into struct seccomp_data. */
const callNumber = 0;
const architecture = 4;
const firstArgument = 16;

/**
 * Assembles the filter: another architecture's calls end the process; clone3 says "not implemented", so that the C
 * library falls back to clone, which may make threads but no processes; every denied call fails with EPERM.
 */
export function assembleFilter(table: SystemCallTable): Buffer {
  const program: [code: number, ifTrue: number, ifFalse: number, value: number][] = [
    [load, 0, 0, architecture],
    [jumpIfEqual, 1, 0, table.audit],
    [end, 0, 0, killProcess],
    [load, 0, 0, callNumber],
  ];
  if (table.foreignFrom !== undefined) program.push([jumpIfAtLeast, 0, 1, table.foreignFrom], [end, 0, 0, killProcess]);
  program.push(
    [jumpIfEqual, 0, 1, clone3],
    [end, 0, 0, fail(enosys)],
    [jumpIfEqual, 0, 4, table.clone],
    [load, 0, 0, firstArgument],
    [jumpIfAnySet, 0, 1, cloneThread],
    [end, 0, 0, allow],
    [end, 0, 0, fail(eagain)],
  );
  for (const number of Object.values(table.denied)) program.push([jumpIfEqual, 0, 1, number], [end, 0, 0, fail(eperm)]);
  program.push([end, 0, 0, allow]);
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, ifTrue, ifFalse, value], i) => {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(ifTrue, i * 8 + 2);
    bytes.writeUInt8(ifFalse, i * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, i * 8 + 4);
  });
  return bytes;
}
