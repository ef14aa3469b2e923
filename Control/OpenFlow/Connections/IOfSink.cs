namespace Mergeflow.Control.OpenFlow;

/// <summary>Where a connection's messages go.</summary>
public interface IOfSink
{
    /// <summary>Takes messages, one or several, whole. It may make its caller wait until there is room; when the other side has gone it takes and forgets.</summary>
    void Send(ReadOnlySpan<byte> messages);

    /// <summary>Takes a message that nobody has asked for, if there is room. Never waits.</summary>
    bool TrySend(ReadOnlySpan<byte> message);
}
