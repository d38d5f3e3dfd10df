// The development chain in a process of its own: emulating a transaction takes tens of milliseconds and blocks everything.
// PORT: 0 takes a free one. PACE: instant, manual, or milliseconds a block.
import { Chain, deploy, type Pace, serveChain } from './chain/index.ts'
import { announce, stopWith } from './child.ts'

const { PORT = '0', PACE = '2000' } = process.env

function paceFrom(text: string): Pace {
  if (text === 'instant' || text === 'manual') return text
  const milliseconds = Number(text)
  if (Number.isInteger(milliseconds) && milliseconds >= 10) return milliseconds
  throw new Error(`PACE is instant, manual, or milliseconds a block (at least 10), not ${text}`)
}

const chain = await Chain.create({ pace: 'instant' })
const server = await serveChain(chain, await deploy(chain), Number(PORT))
chain.setPace(paceFrom(PACE))
stopWith(() => server.close())
announce(server.origin)
if (!process.send) console.log(`chain ${server.origin}/api/v2/jsonRPC`)
