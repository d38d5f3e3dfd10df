import { spawn } from 'node:child_process'
import { AttestationError, systemCode } from './attester.ts'

/** Kept of what a command complains of. */
const MAX_COMPLAINT = 512

export interface BoundedCommand {
  /** The program and its arguments; no shell reads them. `placeholder` in an argument stands for `value`. */
  readonly argv: readonly string[]
  readonly placeholder: string
  /** Handed over as a line on standard input where no argument has the placeholder. */
  readonly value: string
  readonly maxBytes: number
  readonly milliseconds: number
}

/**
 * What the command printed on standard output. It is ended, with all it started, when it takes too long or says too
 * much.
 *
 * @throws AttestationError `command-failed`
 */
export function runBounded(command: BoundedCommand): Promise<string> {
  const { argv, placeholder, value, maxBytes, milliseconds } = command
  const [program = '', ...args] = argv.map((argument) => argument.replaceAll(placeholder, value))
  const onStdin = !argv.some((argument) => argument.includes(placeholder))
  const failed = (what: string, cause?: unknown) =>
    new AttestationError('command-failed', `${program} ${what}`, cause === undefined ? {} : { cause })

  return new Promise((resolve, reject) => {
    // A group of its own, so that what a wrapper script started ends with it.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    const output: Buffer[] = []
    let size = 0
    let complaint = ''
    const end = (error: AttestationError): void => {
      clearTimeout(timer)
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It ended by itself in between.
      }
      for (const stream of child.stdio) stream?.destroy()
      reject(error)
    }
    const timer = setTimeout(() => {
      end(failed(`took longer than ${milliseconds / 1000} s: run it by hand to see what it waits for`))
    }, milliseconds)
    child.on('error', (cause) => {
      clearTimeout(timer)
      const why = systemCode(cause)
      const what = why === 'ENOENT' ? 'is not installed, or not on the PATH of the node' : `cannot be run (${why})`
      reject(failed(what, cause))
    })
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) return end(failed(`printed more than ${maxBytes} bytes`))
      output.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < MAX_COMPLAINT) complaint += chunk.toString('utf8').slice(0, MAX_COMPLAINT)
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) return resolve(Buffer.concat(output).toString('utf8'))
      const said = complaint.trim().slice(0, MAX_COMPLAINT)
      reject(failed(`ended with ${signal ?? `code ${code}`}${said === '' ? '' : `: ${said}`}`))
    })
    // A command that does not read its input closes it, which is its right.
    child.stdin.on('error', () => {})
    child.stdin.end(onStdin ? `${value}\n` : '')
  })
}
