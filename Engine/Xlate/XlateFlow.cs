using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>The working copies of the flow, and which bits of the packet were consulted (OVS <c>xin->flow</c>, <c>ctx->base_flow</c>, <c>ctx->wc</c>).</summary>
/// <remarks>
/// <para>Four copies carry the bookkeeping, all bit-exact:</para>
/// <code>
/// Current   what OpenFlow sees now             Live      bit of Current is still the packet's original bit
/// Base      what the datapath's packet holds   BaseLive  the same for Base
/// </code>
/// <para>
/// A bit that is not live is a constant, or was derived from bits that are in the mask: consulting it costs nothing. A write only clears
/// live: the old value does not matter, because the set action is emitted whatever it was (unless the mask already pins it to the new
/// value). Original bits enter the mask when a rule match, a copy or a condition reads them. Bits that were read only to rule out other
/// rules are kept apart: which of them are read is a choice that may differ between two packets of one megaflow, so no action may
/// depend on it.
/// </para>
/// </remarks>
internal sealed unsafe class XlateFlow : IDisposable
{
    /// <summary>The packet's key as it came.</summary>
    public readonly byte* Original;

    /// <summary>What OpenFlow sees now. <see cref="Live"/>, <see cref="Base"/> and <see cref="BaseLive"/> follow it in memory: they are saved together.</summary>
    public readonly byte* Current;

    /// <summary>Bits of <see cref="Current"/> that are still the packet's own.</summary>
    public readonly byte* Live;

    /// <summary>What the datapath's packet holds.</summary>
    public readonly byte* Base;

    /// <summary>Bits of <see cref="Base"/> that are still the packet's own.</summary>
    public readonly byte* BaseLive;

    /// <summary>Bits that matches, copies and conditions have read.</summary>
    public readonly byte* Consulted;

    /// <summary>Bits that were read only to rule out other rules.</summary>
    public readonly byte* Excluded;

    /// <summary>The datapath's packet may differ from what OpenFlow sees.</summary>
    public bool IsDirty;

    /// <summary>What flow and packet begin with.</summary>
    public PacketLayers Layers;

    private byte* _memory;

    public XlateFlow()
    {
        _memory = (byte*)NativeMemory.AlignedAlloc(8 * L.StrideBytes, 64);
        new Span<byte>(_memory, 7 * L.StrideBytes).Clear();
        new Span<byte>(Whole, L.StrideBytes).Fill(byte.MaxValue);
        Original = _memory;
        Current = _memory + L.StrideBytes;
        Live = _memory + (2 * L.StrideBytes);
        Base = _memory + (3 * L.StrideBytes);
        BaseLive = _memory + (4 * L.StrideBytes);
        Consulted = _memory + (5 * L.StrideBytes);
        Excluded = _memory + (6 * L.StrideBytes);
    }

    /// <summary>Frees the working memory if nobody disposed it.</summary>
    ~XlateFlow() => NativeMemory.AlignedFree(_memory);

    /// <summary>All bits, as a bitmap.</summary>
    public byte* Whole => _memory + (7 * L.StrideBytes);

    public ushort DlType => Read16(Current, L.DlType);

    public bool IsIp => DlType is EthType.Ip or EthType.Ipv6;

    public bool IsMpls => DlType is EthType.Mpls or EthType.MplsMcast;

    public uint InPort => Read32(Current, L.InPort);

    /// <summary>The queue that it leaves by, and the one that it came with.</summary>
    public ushort Priority => Read16(Current, L.SkbPriority);

    public ushort InitialPriority => Read16(Original, L.SkbPriority);

    /// <summary>It has been here before.</summary>
    public bool IsRecirculated => Read32(Original, L.RecircId) != 0;

    /// <summary>What OpenFlow sees, by field.</summary>
    public ref FlowKey Key => ref *(FlowKey*)Current;

    /// <summary>Starts with a packet's key (absent lanes zero); nothing has been consulted but what every megaflow matches.</summary>
    public void Begin(ref FlowKey key)
    {
        Unsafe.CopyBlock(ref *Original, ref Unsafe.As<FlowKey, byte>(ref key), FlowKey.SizeBytes);
        var zero = Vector256<byte>.Zero;
        var ones = Vector256<byte>.AllBitsSet;
        for (int i = 0; i < PipelineFlow.LaneCount; i++)
        {
            Vector256<byte> value = i < FlowKey.LaneCount ? Vector256.Load(Original + Lanes.At(i)) : zero;
            Vector256<byte> live = i < FlowKey.LaneCount ? ones : zero;
            value.Store(Current + Lanes.At(i));
            value.Store(Base + Lanes.At(i));
            live.Store(Live + Lanes.At(i));
            live.Store(BaseLive + Lanes.At(i));
            zero.Store(Consulted + Lanes.At(i));
            zero.Store(Excluded + Lanes.At(i));
        }

        // Always exact: dl_type, in_port, recirc_id, and nw_frag of IP packets (OVS xlate_wc_init).
        *(ushort*)(Consulted + L.DlType) = ushort.MaxValue;
        if (Read16(Original, L.DlType) is EthType.Ip or EthType.Ipv6) Consulted[L.NwFrag] = (byte)(NwFrag.Any | NwFrag.Later);
        *(ulong*)(Consulted + L.InPort) = ulong.MaxValue;
        IsDirty = false;
        Layers = default;
    }

    /// <summary>The packet has no Ethernet header.</summary>
    public void BeginBare()
    {
        uint type = PacketLayers.Of(DlType);
        Layers = new PacketLayers { Type = type, BaseType = type, ToldType = type, BeganBare = true };
    }

    /// <summary>What a packet has that is explained before it comes from anywhere: registers and metadata, as constants.</summary>
    public void BeginMetadata(ref PipelineFlow flow)
    {
        for (int i = FlowKey.LaneCount; i < PipelineFlow.LaneCount; i++)
        {
            PipelineFlow.Lane(ref flow, i).Store(Current + Lanes.At(i));
            PipelineFlow.Lane(ref flow, i).Store(Base + Lanes.At(i));
        }
    }

    /// <summary>The bits of <paramref name="assumed"/> are in the mask whatever happens.</summary>
    public void Assume(ref FlowKey assumed) => Unsafe.CopyBlock(ref *Excluded, ref Unsafe.As<FlowKey, byte>(ref assumed), FlowKey.SizeBytes);

    /// <summary>Adds what was read to rule out other rules to what was consulted: <see cref="Consulted"/> is the whole mask then.</summary>
    public void JoinExcluded()
    {
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            (Vector256.Load(Consulted + Lanes.At(i)) | Vector256.Load(Excluded + Lanes.At(i))).Store(Consulted + Lanes.At(i));
        }

        // A packet without an Ethernet header has no addresses, whatever was read.
        if (Layers.BeganBare) new Span<byte>(Consulted + L.DlDst, L.DlType - L.DlDst).Clear();
    }

    /// <summary>Copies <see cref="Consulted"/>.</summary>
    public void CopyMask(ref FlowKey mask) => Unsafe.CopyBlock(ref Unsafe.As<FlowKey, byte>(ref mask), ref *Consulted, FlowKey.SizeBytes);

    /// <summary>Adds the bits of an 8-byte window (memory order) to the mask, as far as they are the packet's own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Consult(int offset, ulong bits)
    {
        ulong own = Unsafe.ReadUnaligned<ulong>(Live + offset) & bits;
        if (own != 0) Unsafe.WriteUnaligned(Consulted + offset, Unsafe.ReadUnaligned<ulong>(Consulted + offset) | own);
    }

    /// <summary>Adds the bits of an 8-byte window to the mask, also where the flow has others now: what they were decides.</summary>
    public void ConsultOriginal(int offset, ulong bits)
        => Unsafe.WriteUnaligned(Consulted + offset, Unsafe.ReadUnaligned<ulong>(Consulted + offset) | bits);

    /// <summary>The same for the bits of a field.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Consult(FieldPatch patch) => patch.Consult(Consulted, Live);

    /// <summary>The same for the sixteen bytes of an IPv6 address.</summary>
    public void ConsultIpv6(int offset)
    {
        Consult(offset, ulong.MaxValue);
        Consult(offset + sizeof(ulong), ulong.MaxValue);
    }

    /// <summary>The same for both Ethernet addresses.</summary>
    public void ConsultEthernet()
    {
        Consult(L.DlDst, L.Window6);
        Consult(L.DlSrc, L.Window6);
    }

    /// <summary>True if the byte is <paramref name="wanted"/>: all of it is consulted then, else one differing bit.</summary>
    public bool ConsultEquals(int offset, byte wanted)
    {
        uint differs = (uint)(Current[offset] ^ wanted);
        if (differs == 0)
        {
            Consult(offset, 0xff);
            return true;
        }

        // A bit that is known already costs nothing.
        if ((differs & Known(offset)) == 0) Consult(offset, differs & (~differs + 1));
        return false;
    }

    /// <summary>True if one of the byte's <paramref name="bits"/> is set: one such bit is consulted, or all of them if there is none.</summary>
    public bool ConsultAnyBit(int offset, byte bits)
    {
        uint set = (uint)(Current[offset] & bits);
        if (set == 0)
        {
            Consult(offset, bits);
            return false;
        }

        if ((set & Known(offset)) == 0) Consult(offset, set & (~set + 1));
        return true;
    }

    /// <summary>Notes for a lookup which bytes of what it sees are still the packet's own.</summary>
    public void KeepOwn(ref VisitedTables visited)
    {
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            visited.Keep(i, Vector256.Equals(Vector256.Load(Live + Lanes.At(i)), Vector256<byte>.AllBitsSet).ExtractMostSignificantBits());
        }
    }

    /// <summary>True if rules see a VLAN tag; consults just that.</summary>
    public bool ConsultVlanPresent()
    {
        Consult(L.Vlan0Tci, TagModel.PresentWindow);
        return (Current[L.Vlan0Tci] & (byte)TagModel.PresentWindow) != 0;
    }

    /// <summary>The bits of an 8-byte window become a constant.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(int offset, ulong bits, ulong value)
    {
        ulong w = Unsafe.ReadUnaligned<ulong>(Current + offset);
        Unsafe.WriteUnaligned(Current + offset, (w & ~bits) | (value & bits));
        Unsafe.WriteUnaligned(Live + offset, Unsafe.ReadUnaligned<ulong>(Live + offset) & ~bits);
    }

    /// <summary>The bits of a field become a constant.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(FieldPatch patch)
    {
        patch.Write(Current);
        patch.Clear(Live);
    }

    /// <summary>A lane becomes zero.</summary>
    public void ClearLane(int lane) => Clear(Lanes.At(lane), Lanes.SizeBytes);

    /// <summary>Bytes become zero.</summary>
    public void Clear(int offset, int sizeBytes)
    {
        new Span<byte>(Current + offset, sizeBytes).Clear();
        new Span<byte>(Live + offset, sizeBytes).Clear();
    }

    /// <summary>What was known of a connection has been cleared.</summary>
    public bool HasNoConnection => Live[L.CtState] == 0;

    /// <summary>All that is known of a connection becomes zero.</summary>
    public void ClearConnection()
    {
        Clear(L.CtState, 1);
        Write(L.CtZone, L.Window6, 0);
        ClearLane(Lanes.Ct);
        ClearLane(Lanes.CtIpv6);
    }

    /// <summary>Until <see cref="ForgetConnection"/> what has been cleared of the connection counts as the packet's own, so that a lookup has it in the mask.</summary>
    public void RecallConnection() => MarkConnection(byte.MaxValue);

    /// <summary>It is a constant again.</summary>
    public void ForgetConnection() => MarkConnection(0);

    private void MarkConnection(byte live)
    {
        Live[L.CtState] = live;
        new Span<byte>(Live + L.CtZone, 6).Fill(live);
        new Span<byte>(Live + Lanes.At(Lanes.Ct), Lanes.SizeBytes).Fill(live);
        new Span<byte>(Live + Lanes.At(Lanes.CtIpv6), Lanes.SizeBytes).Fill(live);
    }

    /// <summary>Headers have been put in front of those that the packet had: they are constants, in the packet and in the flow.</summary>
    public void Wrap(in FlowKey outer)
    {
        const int ethernetBytes = 16;
        fixed (FlowKey* key = &outer)
        {
            Wrap((byte*)key, 0, ethernetBytes);
            Wrap((byte*)key, L.NwFrag, 1);
            Wrap((byte*)key, Lanes.At(Lanes.Network), Lanes.SizeBytes);
            Wrap((byte*)key, Lanes.At(Lanes.Ipv6), Lanes.SizeBytes);
            Wrap((byte*)key, Lanes.At(Lanes.Neighbor), Lanes.SizeBytes);
            Wrap((byte*)key, L.Ipv6Label, Lanes.At(Lanes.Tunnel) - L.Ipv6Label);
        }

        IsDirty = false;
    }

    private void Wrap(byte* outer, int offset, int sizeBytes)
    {
        Unsafe.CopyBlockUnaligned(Current + offset, outer + offset, (uint)sizeBytes);
        Unsafe.CopyBlockUnaligned(Base + offset, outer + offset, (uint)sizeBytes);
        Unsafe.InitBlockUnaligned(Live + offset, 0, (uint)sizeBytes);
        Unsafe.InitBlockUnaligned(BaseLive + offset, 0, (uint)sizeBytes);
    }

    /// <summary>What OpenFlow sees in two bytes, host order.</summary>
    public ushort Read16(int offset) => Read16(Current, offset);

    public static ushort Read16(byte* flow, int offset) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ushort>(flow + offset));

    public static uint Read32(byte* flow, int offset) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(flow + offset));

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>Bits of a byte that are the same for every packet of the megaflow to be.</summary>
    private uint Known(int offset) => (byte)(~Live[offset] | Consulted[offset] | Excluded[offset]);
}
