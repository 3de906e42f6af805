// Some js-libp2p nodes in one process, driven by JSON lines on standard input.
//
// Comes in, one object a line:
//   {"cmd": "start", "nodes": n, "edges": [[a, b], ...], "topic": t}  n nodes on loopback, joined along the edges
//   {"cmd": "dial", "node": i, "address": multiaddr}                  join a node to any other
//   {"cmd": "subscribers", "node": i}                                 which peers subscribed, as far as a node knows
//   {"cmd": "publish", "node": i, "data": hex}                        publish one message
//   {"cmd": "watch"}                                                  report every delivery from now on
//   {"cmd": "run", "messages": m, "bytes": b, "interval_ms": t}       publish m messages, one each t ms, from the
//                                                                     nodes in turn, and measure
//   {"cmd": "stop"}
// Goes out, one object a line: started, dialled, subscribers, published, message, measured, failed.
// It knows nothing of e-SOS but the topic, the signature policy and the id of a message (04-gossip).

import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const nodes = []
let topic = '/esos/1'
let watching = false
let run = null

const say = (object) => process.stdout.write(JSON.stringify(object) + '\n')
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const hex = (bytes) => Buffer.from(bytes).toString('hex')

const gossipId = (message) =>
  new Uint8Array(createHash('sha256').update(Uint8Array.of(1)).update(message.data).digest().subarray(0, 20))

async function makeNode (index) {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      pubsub: gossipsub({
        globalSignaturePolicy: 'StrictNoSign',
        msgIdFn: gossipId,
        emitSelf: false,
        allowPublishToZeroTopicPeers: true
      })
    }
  })
  const pubsub = node.services.pubsub
  pubsub.addEventListener('message', (event) => delivered(index, event.detail.data))
  // Every copy that arrives passes here, duplicates too: this is where copies are counted.
  const take = pubsub.handleReceivedMessage.bind(pubsub)
  pubsub.handleReceivedMessage = (...parameters) => {
    if (run !== null) run.copies += 1
    return take(...parameters)
  }
  pubsub.subscribe(topic)
  return node
}

function delivered (index, data) {
  if (watching) say({ event: 'message', node: index, data: hex(data) })
  if (run === null || data.length !== run.bytes) return
  const number = Buffer.from(data).readUInt32BE(0)
  run.latencies.push(performance.now() - run.sentAt[number])
}

// Two dials at once to a node that is still starting now and then end in a reset: try again, then say so.
async function join (from, to) {
  for (let left = 3; ; left--) {
    try {
      return await from.dial(to)
    } catch (error) {
      if (left === 0) throw error
      await sleep(200)
    }
  }
}

const address = (node) => node.getMultiaddrs()[0].toString()

async function start ({ nodes: count, edges = [], topic: wanted = topic }) {
  topic = wanted
  for (let index = 0; index < count; index++) nodes.push(await makeNode(nodes.length))
  await Promise.all(edges.map(([from, to]) => join(nodes[from], nodes[to].getMultiaddrs()[0])))
  say({ event: 'started', nodes: nodes.map((n) => ({ peer: n.peerId.toString(), address: address(n) })) })
}

async function measure ({ messages, bytes, interval_ms: interval }) {
  run = { bytes, copies: 0, latencies: [], sentAt: [] }
  const wanted = messages * (nodes.length - 1)
  const before = process.cpuUsage()
  for (let number = 0; number < messages; number++) {
    const data = createHash('sha512').update(String(number)).digest()
    const cell = new Uint8Array(Buffer.alloc(bytes, data))
    new DataView(cell.buffer).setUint32(0, number)
    run.sentAt[number] = performance.now()
    await nodes[number % nodes.length].services.pubsub.publish(topic, cell)
    await sleep(interval)
  }
  for (let waited = 0; waited < 20_000 && run.latencies.length < wanted; waited += 50) await sleep(50)
  await sleep(500) // the last copies
  const cpu = process.cpuUsage(before)
  const { copies, latencies } = run
  run = null
  say({ event: 'measured', deliveries: latencies.length, wanted, copies, cpu_us: cpu.user + cpu.system, latencies_ms: latencies })
}

const commands = {
  start,
  run: measure,
  dial: async ({ node, address: to }) => {
    await join(nodes[node], multiaddr(to))
    say({ event: 'dialled', node })
  },
  publish: async ({ node, data }) => {
    const { recipients } = await nodes[node].services.pubsub.publish(topic, new Uint8Array(Buffer.from(data, 'hex')))
    say({ event: 'published', node, recipients: recipients.length })
  },
  subscribers: async ({ node }) =>
    say({ event: 'subscribers', node, peers: nodes[node].services.pubsub.getSubscribers(topic).map(String) }),
  mesh: async ({ node }) => say({ event: 'mesh', node, peers: nodes[node].services.pubsub.getMeshPeers(topic) }),
  watch: async () => { watching = true; say({ event: 'watching' }) },
  stop: async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    process.exit(0)
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  try {
    await commands[command.cmd](command)
  } catch (error) {
    say({ event: 'failed', cmd: command.cmd, error: String(error) })
  }
}
await commands.stop()
