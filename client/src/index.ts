export { type Client, type ClientOptions, createClient } from './client.ts'
export { type Environment, standardEnvironment } from './environment.ts'
export type {
  AskEvent,
  AskOptions,
  ChatMessage,
  ContentPart,
  Keep,
  KeptAnswer,
  NodeView,
  ResponseFormat,
  ResumeOptions,
  Tool,
  ToolCall,
  ToolChoice,
} from './events.ts'
export { MachineRefused, type SeenMemory } from './machine-appraiser.ts'
export { keySignIn, type SignIn, telegramSignIn } from './sign-in.ts'
export { verifyProof } from './verify.ts'
export type { ClientSocket } from './socket.ts'
