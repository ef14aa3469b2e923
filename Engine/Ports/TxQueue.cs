using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Ports;

/// <summary>One packet thread's way out of a port.</summary>
public abstract unsafe class TxQueue : IDisposable
{
    /// <summary>What it has sent and lost.</summary>
    public PortCounters Counters { get; } = new();

    /// <summary>It is on the list of those to be flushed.</summary>
    internal bool IsWaiting { get; set; }

    /// <summary>Sends the first <paramref name="lengthBytes"/> of a packet, now or at <see cref="Flush"/>, or counts why not. The packet is as it was when the call returns, and no longer read.</summary>
    public abstract void Send(Packet* packet, int lengthBytes);

    /// <summary>Sends what waits.</summary>
    public abstract void Flush();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of what it holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
