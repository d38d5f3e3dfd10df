import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { printWorkload } from './tee/quote-command.ts'
import { developmentWorkload } from './tee/scene.ts'
import type { SwitchName } from './tee/switches.ts'

const runTee = fileURLToPath(new URL('run-tee.ts', import.meta.url))

export interface SimulatedTee {
  readonly tee?: 'tdx' | 'sev-snp'
  /** What this machine breaks in its evidence. */
  readonly broken?: readonly SwitchName[]
}

/** Flags with which a node shows evidence of a simulated machine. Files it needs are written to `folder`. */
export async function simulatedTeeFlags(
  folder: string,
  { tee = 'tdx', broken = [] }: SimulatedTee = {},
): Promise<string[]> {
  const workload = join(folder, 'workload.json')
  writeFileSync(workload, await printWorkload(await developmentWorkload()))
  const machine = ['--workload', workload, '--tee', tee, ...broken.flatMap((rule) => ['--break', rule])]
  const command = (...asked: string[]): string => JSON.stringify([process.execPath, runTee, ...asked, ...machine])
  return [
    '--attester',
    'command',
    '--attester-command',
    command('quote', '{reportData}'),
    '--gpu-command',
    command('collect-evidence', '--nonce', '{nonce}'),
    '--workload',
    workload,
  ]
}
