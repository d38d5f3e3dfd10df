import { fromHex } from '../../bytes.ts'
import { networks } from '../../network.ts'
import type { Pins } from '../policy.ts'
import { der } from './literal.ts'

/**
 * Roots of a development build: those of the simulated TEE (`localnet/src/tee`), whose private keys are public and worth
 * nothing. Only the import condition `cocoon-development` brings this file into a build, and such a build serves no
 * network but its own.
 */
export const pins: Pins = {
  build: 'development',
  networks: [networks.localnet],
  // Stands in for Intel's SGX root CA. SHA-256 389932cf3b31b19c57aab664bafa607f8a2b164f48579864f9ea8ffcfddccfc0
  intelRoot: der(
    'MIICaTCCAg6gAwIBAgIUQN7AAAAAAAAAAAAAAAAAAAAAAAEwCgYIKoZIzj0EAwIwVTEaMBgGA1UEAwwRSW50ZWwgU0dYIFJvb3Qg',
    'Q0ExKjAoBgNVBAoMIUNvY29vbiBkZXZlbG9wbWVudCwgd29ydGggbm90aGluZzELMAkGA1UEBhMCWFgwHhcNMjUwMTAxMDAwMDAw',
    'WhcNNDkxMjMxMjM1OTU5WjBVMRowGAYDVQQDDBFJbnRlbCBTR1ggUm9vdCBDQTEqMCgGA1UECgwhQ29jb29uIGRldmVsb3BtZW50',
    'LCB3b3J0aCBub3RoaW5nMQswCQYDVQQGEwJYWDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABK2Hz1ju8N6ir/qaOnIs3RETPaeu',
    'jiXhWfXicy/EKUJRlKiDFIBG+TgoeXpccRIfby0r2gDwv2+msCtHRX5ueZKjgbswgbgwHQYDVR0OBBYEFHPR2IGYuasedwD6O9Br',
    'M22tCmvvMB8GA1UdIwQYMBaAFHPR2IGYuasedwD6O9BrM22tCmvvMFIGA1UdHwRLMEkwR6BFoEOGQWh0dHBzOi8vY2VydGlmaWNh',
    'dGVzLnRydXN0ZWRzZXJ2aWNlcy5pbnRlbC5jb20vSW50ZWxTR1hSb290Q0EuZGVyMA4GA1UdDwEB/wQEAwIBBjASBgNVHRMBAf8E',
    'CDAGAQH/AgEBMAoGCCqGSM49BAMCA0kAMEYCIQCCVS8k7hCrnmf0SiQX/HRjQmAHwmjVjfMLqEoChISXzwIhAKter9KqWe2NtYWM',
    '0ecxZuLlTDIUGko9sEQAtatuCYn6',
  ),
  // Stands in for NVIDIA's device identity CA. SHA-256 1c870ea23a2471f6876781d251004ca5438b637362609a693457fc606c7c37f8
  nvidiaRoot: der(
    'MIICQzCCAcigAwIBAgIUQN7AAAAAAAAAAAAAAAAAAAAAAJAwCgYIKoZIzj0EAwMwUDEiMCAGA1UEAwwZTlZJRElBIERldmljZSBJ',
    'ZGVudGl0eSBDQTEqMCgGA1UECgwhQ29jb29uIGRldmVsb3BtZW50LCB3b3J0aCBub3RoaW5nMB4XDTI1MDEwMTAwMDAwMFoXDTQ5',
    'MTIzMTIzNTk1OVowUDEiMCAGA1UEAwwZTlZJRElBIERldmljZSBJZGVudGl0eSBDQTEqMCgGA1UECgwhQ29jb29uIGRldmVsb3Bt',
    'ZW50LCB3b3J0aCBub3RoaW5nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEO/+PaCONV1nHfn7pcCp8FvWxYoHSo3Q1y8eG8teWaEHo',
    'iarJd6taz1jQv1nL2VSyKldDyF0T26RIt1blB63EI2iJaCh6iz9bD+OgPcmcGN/1EiiE7NqSfFQ9oUrYxSsZo2MwYTAdBgNVHQ4E',
    'FgQUHUwcEXtfqdQA+JyB5eFwa5p/ZkQwHwYDVR0jBBgwFoAUHUwcEXtfqdQA+JyB5eFwa5p/ZkQwDgYDVR0PAQH/BAQDAgEGMA8G',
    'A1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwMDaQAwZgIxAJF4XYrVfiDGHgmrX/tptZ9WcwV6kQvnzJskblvfTZhlCd2JcB6IqES9',
    'S87sHVqaugIxAI6pj6e6QIqf9jX59YnzgSpL9/2xh3aquc17aJsNHQJqQ4BgXHy5cfrjPxrWzEvKmw==',
  ),
  // Stands in for AMD's ARK.
  amdRoots: [{ product: 'Genoa', digest: 'beaca8251e3052007beb5688d5e06242f591d51eeb4e9ab3cb42f84aba4dd89a' }],
  owners: {
    keys: [
      fromHex('335a3c4efcad710ee666b3a64101760c80b42999f226f9c916245f56a703cd07'),
      fromHex('13657ab4cebb50868012d7d6e3fcef93b127358bd9145cf0cffcf4e64192e852'),
      fromHex('0a49be0ff5dfe190179350ef28c8d4c2cde95ab68396ec97845af821b270c54c'),
    ],
    threshold: 2,
  },
}
