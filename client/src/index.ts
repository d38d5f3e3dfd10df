export { type Client, type ClientOptions, createClient } from './client.ts'
export { type ClientSocket, type Environment, standardEnvironment } from './environment.ts'
export type { AskEvent, AskOptions, ChatMessage, NodeView } from './events.ts'
export { keySignIn, type SignIn, telegramSignIn } from './sign-in.ts'
