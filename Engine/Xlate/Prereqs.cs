using System.Numerics;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <content>Prerequisites of fields (OVS <c>mf_are_prereqs_ok</c>), consulting as little as decides them.</content>
public sealed unsafe partial class Translator
{
    private bool Meets(FieldPrereq prereq) => prereq switch
    {
        FieldPrereq.None or FieldPrereq.CtState => true,
        FieldPrereq.Arp => DlTypeHost is EthType.Arp or EthType.Rarp,
        FieldPrereq.VlanVid => ConsultVlanPresent(),
        FieldPrereq.Ipv4 => DlTypeHost == EthType.Ip,
        FieldPrereq.Ipv6 => DlTypeHost == EthType.Ipv6,
        FieldPrereq.IpAny => IsIp,
        FieldPrereq.CtValid => ConsultAnyBit(TranslatorLayout.CtState, (byte)(CtState.New | CtState.Est | CtState.Rpl)),
        FieldPrereq.Mpls => IsMpls,
        FieldPrereq.Tcp => IsIp && ConsultEquals(TranslatorLayout.NwProto, IpProto.Tcp) && HasPorts(),
        FieldPrereq.Udp => IsIp && ConsultEquals(TranslatorLayout.NwProto, IpProto.Udp) && HasPorts(),
        FieldPrereq.Sctp => IsIp && ConsultEquals(TranslatorLayout.NwProto, IpProto.Sctp) && HasPorts(),
        FieldPrereq.L4 => IsIp && ConsultPortProto() && HasPorts(),
        FieldPrereq.Icmpv4 => DlTypeHost == EthType.Ip && ConsultEquals(TranslatorLayout.NwProto, IpProto.Icmp),
        FieldPrereq.Icmpv6 => DlTypeHost == EthType.Ipv6 && ConsultEquals(TranslatorLayout.NwProto, IpProto.Icmpv6),
        FieldPrereq.Nd => IsNd(solicit: true, advert: true),
        FieldPrereq.NdSolicit => IsNd(solicit: true, advert: false),
        FieldPrereq.NdAdvert => IsNd(solicit: false, advert: true),
        _ => false,
    };

    /// <summary>True if the byte is <paramref name="wanted"/>: all of it is consulted then, else one differing bit.</summary>
    private bool ConsultEquals(int offset, byte wanted)
    {
        uint differs = (uint)(_flow[offset] ^ wanted);
        if (differs == 0)
        {
            Consult(offset, 0xff);
            return true;
        }

        // A bit that is known already costs nothing.
        uint known = differs & (uint)(byte)(~_live[offset] | _wc[offset] | _excluded[offset]);
        if (known == 0) Consult(offset, differs & (~differs + 1));
        return false;
    }

    /// <summary>True if one of the byte's <paramref name="bits"/> is set: one such bit is consulted, or all of them if there is none.</summary>
    private bool ConsultAnyBit(int offset, byte bits)
    {
        uint set = (uint)(_flow[offset] & bits);
        if (set == 0)
        {
            Consult(offset, bits);
            return false;
        }

        uint known = set & (uint)(byte)(~_live[offset] | _wc[offset] | _excluded[offset]);
        if (known == 0) Consult(offset, set & (~set + 1));
        return true;
    }

    private bool ConsultPortProto()
    {
        Consult(TranslatorLayout.NwProto, 0xff);
        return _flow[TranslatorLayout.NwProto] is IpProto.Tcp or IpProto.Udp or IpProto.Sctp;
    }

    /// <summary>False for later fragments, whose ports are out of reach.</summary>
    private bool HasPorts() => !ConsultAnyBit(TranslatorLayout.NwFrag, (byte)NwFrag.Later);

    private bool IsNd(bool solicit, bool advert)
    {
        if (DlTypeHost != EthType.Ipv6 || !ConsultEquals(TranslatorLayout.NwProto, IpProto.Icmpv6)) return false;
        if (!ConsultEquals(TranslatorLayout.TpDst + 1, 0)) return false;
        return (solicit && ConsultEquals(TranslatorLayout.TpSrc + 1, 135)) || (advert && ConsultEquals(TranslatorLayout.TpSrc + 1, 136));
    }

    /// <summary>
    /// What a constant is written to counts as read, and for ARP fields the operation as well (OVS <c>mf_set_mask_l3_prereqs</c>), not for those of RARP.
    /// </summary>
    private void ConsultWritten(XlateOp op)
    {
        op.Patch.Consult(_wc, _live);
        if (op.Prereq == FieldPrereq.Arp && DlTypeHost == EthType.Arp) Consult(TranslatorLayout.NwProto, 0xff);
    }

    /// <summary>Writes the run of bits <paramref name="op"/> describes with <paramref name="value"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WriteDestination(XlateOp op, UInt128 value)
    {
        if (op.ToVlan)
        {
            ushort bits = (ushort)((ulong)value << op.VlanShift);
            SetVlan((ushort)(bits | (op.VlanPushes ? VlanPresent : 0)), (ushort)(op.VlanMask | (op.VlanPushes ? VlanPresent : 0)), pushes: true);
            return;
        }

        FieldPatch patch = op.Destination.Patch(value, UInt128.MaxValue);
        if (ReadsWhatItWrites) patch.Consult(_wc, _live);
        patch.Write(_flow);
        patch.Clear(_live);
        _dirty |= op.Visible;
    }
}
