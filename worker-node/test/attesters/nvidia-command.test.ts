import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bytes, hex, sha256, utf8 } from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { printGpus } from '../../../localnet/src/tee/quote-command.ts'
import { readSpdmReport } from '../../../protocol/src/appraisal/gpu/spdm.ts'
import { runBounded } from '../../src/attesters/bounded-command.ts'
import { NVIDIA_COMMAND, NvidiaCommand, readNvidiaOutput } from '../../src/attesters/nvidia-command.ts'
import { codeOf, simulated } from './machine.ts'

const nonceOf = (index: number): Promise<Bytes> => sha256(utf8(`nonce ${index}`))
let directory = ''
const path = process.env['PATH']
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cocoon-tool-'))
  process.env['PATH'] = `${directory}:${path}`
})
afterEach(async () => {
  process.env['PATH'] = path
  await rm(directory, { recursive: true })
})

/** A tool on the PATH that answers each nonce with what was recorded for it. */
async function tool(script: string, name = 'nvattest'): Promise<void> {
  await writeFile(join(directory, name), `#!/bin/sh\ncd ${directory}\n${script}\n`)
  await chmod(join(directory, name), 0o755)
}
async function recorded(gpus: number, broken: Parameters<typeof simulated>[0] = {}): Promise<void> {
  const machine = await simulated({ gpus: Array.from({ length: gpus }, () => 'hopper' as const), ...broken })
  for (let i = 0; i < Math.max(gpus, 1); i += 1) {
    const nonce = await nonceOf(i)
    await writeFile(join(directory, `${hex(nonce)}.json`), await printGpus(machine, nonce))
  }
}
/** The last argument is the nonce, as NVIDIA's command has it. */
const byArgument = 'for nonce; do :; done; echo "$@" >> asked; cat $nonce.json'

describe("GPUs through NVIDIA's tool", () => {
  test('each answers to its own nonce, in order', async () => {
    await recorded(3)
    await tool(byArgument)
    const gpus = await new NvidiaCommand().evidence(nonceOf)
    const nonces = gpus.map(({ report }) => hex(readSpdmReport(report).nonce))
    expect(nonces).toEqual(await Promise.all([0, 1, 2].map(async (i) => hex(await nonceOf(i)))))
    expect(new Set(gpus.map(({ chain }) => hex(chain[0] ?? new Uint8Array()))).size).toBe(3)
    expect(gpus.every(({ chain }) => chain.length === 5)).toBe(true)
  })

  test('it is asked as its reference says', () => {
    expect(NVIDIA_COMMAND.join(' ')).toBe('nvattest --format json collect-evidence --device gpu --nonce {nonce}')
  })

  test('a command without the placeholder gets the nonce on standard input', async () => {
    await recorded(1)
    await tool('read nonce; cat $nonce.json', 'own-tool')
    expect(await new NvidiaCommand({ argv: ['own-tool'] }).evidence(nonceOf)).toHaveLength(1)
  })

  test('the bare list that NVIDIA keeps in files is read as well', async () => {
    const printed = await printGpus(await simulated({ gpus: ['hopper', 'hopper'] }), await nonceOf(0))
    const { evidences } = JSON.parse(printed) as { evidences: unknown }
    expect(readNvidiaOutput(JSON.stringify(evidences))).toEqual(readNvidiaOutput(printed))
  })

  test('a GPU that answered to another nonce is not presented', async () => {
    await recorded(1, { broken: ['gpu-foreign-nonce'] })
    await tool(byArgument)
    await expect(new NvidiaCommand().evidence(nonceOf)).rejects.toThrow(/another nonce/)
  })

  test('GPUs that come and go, or change places, between two questions are found out', async () => {
    await recorded(2)
    await tool(byArgument)
    const second = await nonceOf(1)
    const machine = await simulated({ gpus: ['hopper', 'hopper'] })
    const all = JSON.parse(await printGpus(machine, second)) as { evidences: unknown[] }
    const swapped = { ...all, evidences: all.evidences.toReversed() }
    await writeFile(join(directory, `${hex(second)}.json`), JSON.stringify(swapped))
    await expect(new NvidiaCommand().evidence(nonceOf)).rejects.toThrow(/another order/)
    await writeFile(
      join(directory, `${hex(second)}.json`),
      JSON.stringify({ ...all, evidences: all.evidences.slice(1) }),
    )
    await expect(new NvidiaCommand().evidence(nonceOf)).rejects.toThrow(/named 2 GPUs, then 1/)
  })

  test.each([
    ['no JSON', 'echo "GPU evidence collection was successful."', /--format json/],
    [
      'a failure of its own',
      `echo '{"evidences":null,"result_code":8,"result_message":"NVML init failed"}'`,
      /8, NVML/,
    ],
    ['no GPU', `echo '{"evidences":[],"result_code":0}'`, /names no GPUs/],
    ['no certificate', `echo '{"evidences":[{"evidence":"EeAB","certificate":"AAAA"}]}'`, /without a certificate/],
    ['another form', `echo '{"gpus":[]}'`, /form/],
    ['no base64', `echo '[{"evidence":"<html>","certificate":"AAAA"}]'`, /form/],
  ])('a tool that prints %s is named as the fault', async (_, script, message) => {
    await tool(script)
    const error: unknown = await new NvidiaCommand().evidence(nonceOf).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'gpu-evidence' })
    expect(String(error)).toMatch(message)
  })
})

describe('a configured command', () => {
  const command = (argv: string[], bounds: { maxBytes?: number; milliseconds?: number } = {}) =>
    runBounded({ argv, placeholder: '{x}', value: 'ab', maxBytes: 100, milliseconds: 10_000, ...bounds })

  test('is run without a shell: its arguments are its arguments', async () => {
    expect(await command(['printf', '%s', '$(id) `id` ; {x} {x}'])).toBe('$(id) `id` ; ab ab')
  })

  test('that is not there is told so', async () => {
    await expect(command(['cocoon-no-such-tool'])).rejects.toThrow(/not installed/)
    expect(await codeOf(command([directory]))).toBe('command-failed')
  })

  test('that fails is quoted, and not at length', async () => {
    const error: unknown = await command(['sh', '-c', 'yes complaint | head -c 100000 >&2; exit 3']).catch(
      (caught: unknown) => caught,
    )
    expect(String(error)).toMatch(/code 3: complaint/)
    expect(String(error).length).toBeLessThan(700)
  })

  test('that prints without end is ended', async () => {
    await expect(command(['yes'])).rejects.toThrow(/more than 100 bytes/)
  })

  test('that hangs is ended, with what it started', async () => {
    const pidFile = join(directory, 'pid')
    const script = `sleep 600 & echo $! > ${pidFile}; wait`
    await expect(command(['sh', '-c', script], { milliseconds: 300 })).rejects.toThrow(/longer than 0.3 s/)
    const pid = Number(await readFile(pidFile, 'utf8'))
    await expect.poll(() => isAlive(pid)).toBe(false)
  })

  test('that does not read what it is handed is no failure', async () => {
    expect(await command(['true'])).toBe('')
  })

  /** A process that ended and waits for its parent to notice is not alive. */
  async function isAlive(pid: number): Promise<boolean> {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    return status !== '' && !/\) [ZX] /.test(status)
  }
})
