import { type Random, secureRandom } from '@cocoon/protocol'
import type { Workload } from '@cocoon/protocol/appraisal'
import { AttestationError, type Attester } from './attester.ts'
import { CommandAttester } from './command.ts'
import { ConfigfsTsm } from './configfs-tsm.ts'
import { EvidenceMaker, type MadeEvidence } from './evidence-maker.ts'
import { type GpuAttester, noGpus } from './gpu.ts'
import { type KernelFiles, kernelFiles } from './kernel-files.ts'
import { NvidiaCommand } from './nvidia-command.ts'
import { readWorkloadRegister, requireWorkload } from './rtmr.ts'
import type { AttestationSettings } from './settings.ts'
import { readWorkloadFile } from './workload-file.ts'

export interface Surroundings {
  readonly network: number
  /** The Ed25519 key that statements are signed with. */
  readonly identity: Uint8Array<ArrayBuffer>
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly random?: Random
  readonly files?: KernelFiles
}

export interface Attestation {
  readonly workload: Workload
  readonly attester: Attester
  /** Evidence of now. Refuses where the register says that something else runs here. @throws AttestationError */
  readonly make: () => Promise<MadeEvidence>
}

/**
 * Everything a node needs to show what it is, or null for a node that shows nothing (`attester: none`). Checks what can be
 * checked before any key is used: a machine that runs another workload gets no further (SPEC.md A3).
 *
 * @throws AttestationError
 */
export async function openAttestation(
  settings: AttestationSettings,
  around: Surroundings,
): Promise<Attestation | null> {
  if (settings.attester === 'none') return null
  const workload = await workloadOf(settings)
  const { network, identity, now, random = secureRandom, files = kernelFiles } = around
  const attester = await attesterOf(settings, files)
  if (settings.attester === 'configfs' && attester.kind === 'tdx') {
    await requireWorkload(await readWorkloadRegister(settings['measurements-directory'], files), workload)
  }
  const maker = new EvidenceMaker({ attester, gpus: gpusOf(settings), network, identity, workload, now, random })
  const make = async (): Promise<MadeEvidence> => {
    const made = await maker.make()
    // As the hardware signed it, and each time anew: it can be extended while the node runs.
    if (made.register) await requireWorkload(made.register, workload)
    return made
  }
  return { workload, attester, make }
}

async function workloadOf({ workload }: AttestationSettings): Promise<Workload> {
  if (workload !== undefined) return readWorkloadFile(workload)
  throw new AttestationError(
    'setting-wrong',
    '--workload is missing: name the JSON file of what the measured image runs',
  )
}

async function attesterOf(settings: AttestationSettings, files: KernelFiles): Promise<Attester> {
  if (settings.attester === 'configfs') return ConfigfsTsm.open({ directory: settings['tsm-directory'], files })
  const command = settings['attester-command']
  if (command) return CommandAttester.open({ argv: command })
  const what = '--attester command needs --attester-command, a JSON list of a program and its arguments'
  throw new AttestationError('setting-wrong', what)
}

function gpusOf({ 'gpu-command': command }: AttestationSettings): GpuAttester {
  if (command === 'none') return noGpus
  return command === 'nvidia' ? new NvidiaCommand() : new NvidiaCommand({ argv: command })
}
