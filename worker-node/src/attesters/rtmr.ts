import { join } from 'node:path'
import { type Bytes, equal, hex } from '@cocoon/protocol'
import { MEASUREMENT_BYTES, type Workload, workloadRegister } from '@cocoon/protocol/appraisal'
import { AttestationError, systemCode } from './attester.ts'
import { type KernelFiles, kernelFiles } from './kernel-files.ts'
import { MEASUREMENTS_DIRECTORY } from './settings.ts'

/**
 * RTMR3 as it is now, 48 bytes. Only ever read: the image's init extends it, once, before anything of the workload
 * starts, by writing the digest of the workload to the same file.
 *
 * @throws AttestationError `register-absent`
 */
export async function readWorkloadRegister(
  directory: string = MEASUREMENTS_DIRECTORY,
  files: KernelFiles = kernelFiles,
): Promise<Bytes> {
  const path = join(directory, 'rtmr3:sha384')
  let register: Bytes
  try {
    register = await files.read(path, MEASUREMENT_BYTES)
  } catch (cause) {
    const why = systemCode(cause) || 'it cannot be read'
    const what = `${path} (${why}): a private node needs a TDX machine with Linux 6.16 or later`
    throw new AttestationError('register-absent', what, { cause })
  }
  if (register.length === MEASUREMENT_BYTES) return register
  throw new AttestationError('register-absent', `${path} holds ${register.length} bytes where 48 belong`)
}

/**
 * The daemon's part of SPEC.md A3: it refuses to serve where the register says that something else runs here.
 *
 * @throws AttestationError `register-differs`
 */
export async function requireWorkload(register: Bytes, workload: Workload): Promise<void> {
  const expected = await workloadRegister(workload)
  if (equal(register, expected)) return
  const found = register.every((byte) => byte === 0)
    ? "it was never extended: the image's init must write the workload's digest to it once, before the node starts"
    : `it is ${hex(register)}: another workload was started, or something extended it again. Only a restart of the machine clears it`
  throw new AttestationError('register-differs', `RTMR3 should be ${hex(expected)}; ${found}`)
}
