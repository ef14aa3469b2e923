using System.Buffers.Binary;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// The far end of the simulated ports: frames that are too long for them, or have no whole Ethernet header, are lost after they were counted, whoever sent them (OVS
/// <c>netdev_dummy_send</c>).
/// </summary>
/// <param name="next">Where the others go.</param>
/// <param name="mtuBytes">Bytes behind the Ethernet header, and behind a tag with type 0x8100 if there is one.</param>
internal sealed class MtuSink(IOutputSink next, int mtuBytes) : IOutputSink
{
    private const int EthernetHeaderBytes = 14;
    private const int EthernetTypeOffset = 12;
    private const int TagBytes = 4;

    /// <inheritdoc/>
    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
        if (frame.Length < EthernetHeaderBytes) return;
        if (frame.Length > mtuBytes + EthernetHeaderBytes && frame.Length > LimitOf(frame)) return;
        next.Output(eventIndex, port, frame);
    }

    private int LimitOf(ReadOnlySpan<byte> frame)
    {
        bool isTagged = BinaryPrimitives.ReadUInt16BigEndian(frame[EthernetTypeOffset..]) == EthType.Vlan;
        return mtuBytes + EthernetHeaderBytes + (isTagged ? TagBytes : 0);
    }
}
