using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;
using Mergeflow.Nic;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// The wire side of a datapath with a NIC: a frame goes to the device first, and to software only if no rule takes it, with the checksum
/// verdicts that the device found.
/// </summary>
public sealed unsafe class NicFrontEnd
{
    private const long NsPerMs = 1_000_000;

    private readonly NicRxQueue _queue;
    private readonly PortTable _ports;
    private readonly IOutputSink? _sink;

    /// <summary>A front end for one packet thread; outputs are counted in <paramref name="ports"/> and given to <paramref name="sink"/> if there is one.</summary>
    public NicFrontEnd(EmulatedNic nic, PortTable ports, IOutputSink? sink)
    {
        _queue = nic.OpenRxQueue();
        _ports = ports;
        _sink = sink;
    }

    /// <summary>Frames that the device took and those it passed on.</summary>
    public NicRxStats Stats => _queue.Stats;

    /// <summary>Whether the device would take the frame as things are now.</summary>
    public bool WouldHit(uint port, ReadOnlySpan<byte> frame) => _queue.WouldHit(port, frame);

    /// <summary>
    /// Offers a freshly loaded packet to the device. True: a rule took it, its outputs have left, the packet can be returned to its pool.
    /// False: it is software's; its checksum flags are set.
    /// </summary>
    public bool TryReceive(Packet* p, long nowMs)
    {
        // A device sees what comes from a wire: no super-frame, and no unfinished checksum.
        if ((p->Flags & PacketFlags.CsumPartial) != 0) return false;
        uint port = p->Key.InPort.Host;
        var buffer = new Span<byte>(p->Data - p->HeadroomBytes, p->HeadroomBytes + p->LengthBytes);
        var outputs = new Outputs(_ports, _sink, p->EventIndex);
        if (_queue.Receive(port, buffer, p->HeadroomBytes, p->LengthBytes, nowMs * NsPerMs, ref outputs, out NicRxInfo info))
        {
            PortTable.PortHot* hot = _ports[port];
            hot->RxPackets++;
            hot->RxBytes += (ulong)p->LengthBytes;
            return true;
        }

        if ((info.Flags & NicRxFlags.IpCsumGood) != 0) p->Flags |= PacketFlags.IpCsumGood;
        if ((info.Flags & NicRxFlags.IpCsumBad) != 0) p->Flags |= PacketFlags.IpCsumBad;
        if ((info.Flags & NicRxFlags.L4CsumGood) != 0) p->Flags |= PacketFlags.L4CsumGood;
        if ((info.Flags & NicRxFlags.L4CsumBad) != 0) p->Flags |= PacketFlags.L4CsumBad;
        return false;
    }

    private readonly struct Outputs(PortTable ports, IOutputSink? sink, long eventIndex) : INicSink
    {
        public void Transmit(uint port, ReadOnlySpan<byte> frame)
        {
            PortTable.PortHot* hot = ports[port];
            if (hot->Exists == 0) return;
            hot->TxPackets++;
            hot->TxBytes += (ulong)frame.Length;
            sink?.Output(eventIndex, port, frame);
        }
    }
}
