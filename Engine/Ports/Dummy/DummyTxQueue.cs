using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>One packet thread's way out of a dummy port: frames as a wire carries them, into a ring that control reads. Which transmit queue a frame would take is counted, no more.</summary>
/// <param name="port">The port.</param>
/// <param name="ring">Where frames go.</param>
/// <param name="thread">Which of the packet threads it is, from 0 on.</param>
internal sealed unsafe class DummyTxQueue(DummyPort port, PatchRxQueue ring, int thread) : VnetTxQueue(port)
{
    private static readonly ReceiveSideScaling s_hash = new(seed: 0, isSymmetric: false);

    private volatile Steering _steering = new(1, false);

    /// <summary>What has gone out and nobody has read.</summary>
    public PatchRxQueue Ring => ring;

    /// <summary>From now on the port has so many queues. By control.</summary>
    public void Steer(int queues, bool byHash) => _steering = new Steering(queues, byHash);

    /// <summary>What this thread has sent by a queue.</summary>
    public PortCounters OfQueue(int queue) => _steering.Queues[queue];

    /// <inheritdoc/>
    public override void Flush()
    {
        if (port.IsRead) port.Reader?.Set();
    }

    /// <inheritdoc/>
    protected override bool TakesUnfinished => false;

    /// <inheritdoc/>
    protected override void Write(byte* frame, int lengthBytes, VirtioNetHeader* header)
    {
        if (port.IsRead && !ring.TrySend(header, frame, lengthBytes))
        {
            Counters.Drop(PortDrop.TxFull);
            return;
        }

        Counters.Count(lengthBytes, isSuperFrame: false);
        Steering steering = _steering;
        uint turn = steering.ByHash ? s_hash.HashOf(new ReadOnlySpan<byte>(frame, lengthBytes)) : (uint)thread;
        steering.Queues[turn % (uint)steering.Queues.Length].Count(lengthBytes, isSuperFrame: false);
    }

    private sealed class Steering(int queues, bool byHash)
    {
        public readonly PortCounters[] Queues = [.. Enumerable.Range(0, queues).Select(static _ => new PortCounters())];

        public bool ByHash => byHash;
    }
}
