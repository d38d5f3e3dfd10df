import { DEMO_MODEL, type System } from '@cocoon/localnet'
import { newClient } from './peers.ts'
import { descendant, residentMiB } from './process-cost.ts'

const JOBS = 4

/** Memory of a node process with the demonstration model: idle, at the most while it answers on every slot, and after. */
export async function measureNodeMemory(system: System) {
  const node = descendant('worker-node/src/main.ts')
  const idle = residentMiB(node)
  const client = await newClient(system.origin)
  let busy = idle
  const look = setInterval(() => (busy = Math.max(busy, residentMiB(node))), 20)
  const messages = [{ role: 'user' as const, content: 'Tell me a long story about a silkworm' }]
  const ask = async (): Promise<void> => {
    for await (const event of client.ask({ model: DEMO_MODEL.id, messages })) void event
  }
  await Promise.all(Array.from({ length: JOBS }, ask))
  clearInterval(look)
  return { idleMiB: idle, busyMiB: busy, afterMiB: residentMiB(node) }
}
