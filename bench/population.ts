import { DEMO_MODEL, startSystem } from '@cocoon/localnet'
import { pacedEngine } from './paced-engine.ts'
import { startNode, untilListed } from './peers.ts'
import { descendant, residentMiB } from './process-cost.ts'
import { rounded } from './statistics.ts'

const NODES = 500
const AT_ONCE = 25

/** What the broker needs for many nodes that are connected and idle. A system of its own, so that nothing else counts. */
export async function measurePopulation() {
  const system = await startSystem({ build: false, nodes: 0 })
  try {
    const workerd = descendant('workerd')
    const before = residentMiB(workerd)
    const nodes = []
    while (nodes.length < NODES) {
      const some = Array.from({ length: AT_ONCE }, () =>
        startNode(system.origin, pacedEngine(DEMO_MODEL.id, 4, 10, 10)),
      )
      nodes.push(...(await Promise.all(some)))
    }
    await untilListed(system.origin, NODES)
    const after = residentMiB(workerd)
    await Promise.all(nodes.map((node) => node.stop()))
    return { nodes: NODES, brokerMiB: { before, after }, perNodeKiB: rounded(((after - before) * 1024) / NODES) }
  } finally {
    await system.stop()
  }
}
