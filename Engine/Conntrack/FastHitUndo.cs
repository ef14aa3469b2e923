namespace Mergeflow.Engine.Conntrack;

/// <summary>What <see cref="ConnThread.TryFastHitOneOf"/> may change of a connection, as it was before. Not its timeout: a packet that comes another way refreshes it too.</summary>
internal struct FastHitUndo
{
    public TcpPeer Orig;
    public TcpPeer Reply;
    public ulong OrigPackets;
    public ulong ReplyPackets;
    public ulong OrigBytes;
    public ulong ReplyBytes;
}
