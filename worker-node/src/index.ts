export { startEmbeddedEngine } from './engine/embedded.ts'
export { DEMO_MODEL } from './config.ts'
export { COALESCING } from './answer.ts'
export { WorkerNode } from './node.ts'
