import type { Bytes } from '@cocoon/protocol'
import type { GpuEvidence } from '@cocoon/protocol/appraisal'

/** Has the machine's GPUs attest. */
export interface GpuAttester {
  /**
   * Evidence of every GPU in the machine, in an order of the machine's own; `nonceOf(i)` is what GPU i must be asked with.
   *
   * @throws AttestationError
   */
  evidence(nonceOf: (index: number) => Promise<Bytes>): Promise<GpuEvidence[]>
}

/** A machine that computes on its processor. */
export const noGpus: GpuAttester = { evidence: async () => [] }
