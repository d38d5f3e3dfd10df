import * as v from 'valibot'

// Read by every daemon at its start: nothing here imports what only a private node needs.

/** Where Linux 6.7 and later answers with quotes. */
export const TSM_DIRECTORY = '/sys/kernel/config/tsm/report'
/** Where Linux 6.16 and later shows a trust domain's registers (Documentation/ABI/testing/sysfs-devices-virtual-misc-tdx_guest). */
export const MEASUREMENTS_DIRECTORY = '/sys/devices/virtual/misc/tdx_guest/measurements'

/** Program and arguments as a JSON list: no shell reads them, so nothing needs quoting twice. */
const argv = v.pipe(
  v.string(),
  v.rawTransform<string, string[]>(({ dataset, addIssue, NEVER }) => {
    const list = v.safeParse(v.pipe(v.array(v.string()), v.minLength(1)), parsed(dataset.value))
    if (list.success) return list.output
    addIssue({ message: 'a command is a JSON list of texts, such as ["nvattest","collect-evidence"]' })
    return NEVER
  }),
)

/** Settings of attestation, in the manner of the node's others. Nothing is attested unless `attester` says how. */
export const attestationSettings = {
  /** `configfs`: TDX or SEV-SNP through the kernel; `command`: whatever prints quotes, as the simulated machine does. */
  attester: v.optional(v.picklist(['none', 'configfs', 'command'], 'is one of none, configfs, command'), 'none'),
  'attester-command': v.optional(argv),
  'tsm-directory': v.optional(v.string(), TSM_DIRECTORY),
  'measurements-directory': v.optional(v.string(), MEASUREMENTS_DIRECTORY),
  /** JSON of what the measured image runs. */
  workload: v.optional(v.string()),
  /** `none`; `nvidia`: nvattest as it is installed; or a command of one's own. */
  'gpu-command': v.optional(v.union([v.picklist(['none', 'nvidia']), argv]), 'none'),
} as const
const Settings = v.object(attestationSettings)
export type AttestationSettings = v.InferOutput<typeof Settings>

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
