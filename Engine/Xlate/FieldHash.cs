using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Hashes of parts of the flow that <c>multipath</c> and <c>bundle</c> choose by (OVS <c>flow_hash_fields</c>, <c>flow_mask_hash_fields</c>).</summary>
/// <remarks>
/// Values are those of Open vSwitch, so that a flow gets the same link from both. What is hashed is consulted: for frames that are not IP Open vSwitch hashes
/// Ethernet addresses with <c>symmetric_l3l4</c> and leaves them out of the mask; here they are in it.
/// </remarks>
internal sealed unsafe class FieldHash(XlateContext context, TagModel tags)
{
    private readonly XlateFlow _flow = context.Flow;
    private readonly TagModel _tags = tags;

    /// <summary>The hash of the fields; they are consulted.</summary>
    public uint Of(OfHashFields fields, ushort basis)
    {
        ref FlowKey key = ref _flow.Key;
        switch (fields)
        {
            case OfHashFields.EthSrc:
                _flow.Consult(L.DlSrc, L.Window6);
                return JenkinsHash.Of(new ReadOnlySpan<byte>(_flow.Current + L.DlSrc, 6), basis);
            case OfHashFields.SymmetricL4:
                return SymmetricL4(basis);
            case OfHashFields.SymmetricL3L4:
                return SymmetricL3L4(basis, withUdp: false);
            case OfHashFields.SymmetricL3L4Udp:
                return SymmetricL3L4(basis, withUdp: true);
            case OfHashFields.NwSrc:
                return Address(L.NwSrc, L.Ipv6Src, basis);
            case OfHashFields.NwDst:
                return Address(L.NwDst, L.Ipv6Dst, basis);
            default:
                Span<byte> all = stackalloc byte[20];
                all.Clear();
                XorAddresses(all);
                MemoryMarshal.Write(all[16..], key.DlType.Raw);
                return JenkinsHash.Of(all, basis);
        }
    }

    private uint Address(int ipv4, int ipv6, ushort basis)
    {
        if (!_flow.IsIp) return basis;
        if (_flow.DlType == EthType.Ip)
        {
            _flow.Consult(ipv4, L.Window4);
            return JenkinsHash.Of(new ReadOnlySpan<byte>(_flow.Current + ipv4, 4), basis);
        }

        _flow.ConsultIpv6(ipv6);
        return JenkinsHash.Of(new ReadOnlySpan<byte>(_flow.Current + ipv6, 16), basis);
    }

    /// <summary>Layout: address[16] eth_type[2] vlan_tci[2] tp_port[2] eth_addr[6] ip_proto[1] and 3 bytes of zero.</summary>
    private uint SymmetricL4(ushort basis)
    {
        ref FlowKey key = ref _flow.Key;
        Span<byte> all = stackalloc byte[32];
        all.Clear();
        XorAddresses(all);
        MemoryMarshal.Write(all[16..], key.DlType.Raw);
        BinaryPrimitives.WriteUInt16BigEndian(all[18..], XorVlans());
        XorEthernet(all[22..]);
        if (_flow.IsIp)
        {
            _flow.Consult(L.NwProto, 0xff);
            all[28] = key.NwProto;

            // Type and code of ICMP have eight bits each (OVS flow_unwildcard_tp_ports).
            const ulong typeAndCode = 0xff00_ff00;
            if (key.NwProto != IpProto.Udp) _flow.Consult(L.TpSrc, key.NwProto == IpProto.Icmp ? typeAndCode : L.Window4);
            if (key.NwProto is IpProto.Tcp or IpProto.Sctp) MemoryMarshal.Write(all[20..], (ushort)(key.TpSrc.Raw ^ key.TpDst.Raw));
        }

        return JenkinsHash.Of(all, basis);
    }

    private uint SymmetricL3L4(ushort basis, bool withUdp)
    {
        ref FlowKey key = ref _flow.Key;
        if (!_flow.IsIp) return SymmetricL2(basis);
        Span<byte> addresses = stackalloc byte[16];
        addresses.Clear();
        XorAddresses(addresses);
        uint hash = basis;
        for (int i = 0; i < (_flow.DlType == EthType.Ip ? 4 : 16); i += 4) hash = JenkinsHash.Add(hash, BinaryPrimitives.ReadUInt32LittleEndian(addresses[i..]));
        _flow.Consult(L.NwProto, 0xff);
        hash = JenkinsHash.Add(hash, key.NwProto);
        bool hasPorts = key.NwFrag == NwFrag.No && (key.NwProto is IpProto.Tcp or IpProto.Sctp || (withUdp && key.NwProto == IpProto.Udp));
        if (hasPorts)
        {
            _flow.Consult(L.TpSrc, L.Window4);
            hash = JenkinsHash.Add(hash, (ushort)(key.TpSrc.Raw ^ key.TpDst.Raw));
        }

        return JenkinsHash.Finish(hash, basis);
    }

    /// <summary>Layout: eth_type[2] vlan_tci[2] eth_addr[6] and 2 bytes of zero.</summary>
    private uint SymmetricL2(ushort basis)
    {
        Span<byte> all = stackalloc byte[12];
        all.Clear();
        MemoryMarshal.Write(all, _flow.Key.DlType.Raw);
        BinaryPrimitives.WriteUInt16BigEndian(all[2..], XorVlans());
        XorEthernet(all[4..]);
        uint hash = basis;
        for (int i = 0; i < all.Length; i += 4) hash = JenkinsHash.Add(hash, BinaryPrimitives.ReadUInt32LittleEndian(all[i..]));
        return JenkinsHash.Finish(hash, basis);
    }

    private void XorAddresses(Span<byte> into)
    {
        if (!_flow.IsIp) return;
        bool ipv4 = _flow.DlType == EthType.Ip;
        int src = ipv4 ? L.NwSrc : L.Ipv6Src, dst = ipv4 ? L.NwDst : L.Ipv6Dst, size = ipv4 ? 4 : 16;
        if (ipv4)
        {
            _flow.Consult(L.NwSrc, ulong.MaxValue);
        }
        else
        {
            _flow.ConsultIpv6(L.Ipv6Src);
            _flow.ConsultIpv6(L.Ipv6Dst);
        }

        for (int i = 0; i < size; i++) into[i] = (byte)(_flow.Current[src + i] ^ _flow.Current[dst + i]);
    }

    private void XorEthernet(Span<byte> into)
    {
        _flow.ConsultEthernet();
        for (int i = 0; i < 6; i++) into[i] = (byte)(_flow.Current[L.DlSrc + i] ^ _flow.Current[L.DlDst + i]);
    }

    /// <summary>The VLAN ids of both tags.</summary>
    private ushort XorVlans()
    {
        _flow.Consult(L.Vlan0Tci, TagModel.PresentWindow | TagModel.VidWindow);
        _tags.SyncOuter();
        _tags.ConsultCount();
        int vid = 0;
        TagStack stack = _tags.Tags;
        for (int i = 0; i < stack.Count; i++)
        {
            VlanTag tag = stack[i];
            if (i > 0) _tags.ConsultTag(ref tag, tpid: false);
            vid ^= tag.Tci & TagModel.Vid;
        }

        return (ushort)vid;
    }
}
