import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts processor time in hundredths of a second for user space, whatever the kernel's own tick is (man 5 proc). */
const TICKS_PER_SECOND = 100

interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

function processes(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      return [{ pid: Number(name), parent, command: readFileSync(`/proc/${name}/cmdline`, 'utf8') }]
    } catch {
      // It ended between the two looks.
      return []
    }
  })
}

/** The newest process under this one whose command line holds `part`. Linux only. */
export function descendant(part: string): number {
  const all = processes()
  const family = new Set([process.pid])
  for (let grown = 0; grown !== family.size;) {
    grown = family.size
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid)
  }
  const found = all.findLast(({ pid, command }) => pid !== process.pid && family.has(pid) && command.includes(part))
  if (!found) throw new Error(`no process under this one runs ${part}`)
  return found.pid
}

/** Processor time a process used so far, all threads, in milliseconds. */
export function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
}

/** Memory a process occupies, in MiB. */
export function residentMiB(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kilobytes) / 102.4) / 10
}
