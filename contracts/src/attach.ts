import { terms } from '@cocoon/protocol/money'

/**
 * Nanograms to attach to any message to a channel, and to a claim once for each entry: at least twice what the gas costs in
 * the worst state a channel can be in, as the tests show. What is left over comes back; an opening message keeps it as
 * deposit.
 */
export const ATTACH = terms.attachPerEntry
