namespace Mergeflow.Control.OpenFlow;

/// <summary>Where a connection's messages go.</summary>
public interface IOfSink
{
    /// <summary>The other side has gone: what is still to be answered is for nobody.</summary>
    bool IsClosed => false;

    /// <summary>Takes messages, one or several, whole. It may make its caller wait until there is room; when the other side has gone it takes and forgets.</summary>
    void Send(ReadOnlySpan<byte> messages);

    /// <summary>Takes a message that nobody has asked for, if there is room. Never waits.</summary>
    bool TrySend(ReadOnlySpan<byte> message);

    /// <summary>The same for a packet: lost as well if <paramref name="mostWaiting"/> packets wait behind what the other side does not take.</summary>
    bool TrySendPacket(ReadOnlySpan<byte> message, int mostWaiting) => TrySend(message);
}
