using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <content>
/// Writes the fields of a rule. Checksums follow by what changed (RFC 1624, equation 3), added up first and folded once: the same value as word by word. R1 flags, R5 end of the frame, R3 sum for the IPv4 header, R4 for
/// the transport; R0 and R2 are free.
/// </content>
internal sealed partial class KernelProgram
{
    private const int KindCount = 8;

    private void Rewrite()
    {
        BpfLabel send = _a.NewLabel();
        BpfLabel[] kinds = [.. Enumerable.Range(0, KindCount).Select(_ => _a.NewLabel())];
        BpfLabel network = _a.NewLabel();
        LoadFrame();
        if (Encaps) SkipFront();
        NeedChecked(EthernetBytes);
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        Mac(KernelFlags.SetEthDst, L.EthDst, 0);
        Mac(KernelFlags.SetEthSrc, L.EthSrc, 6);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.Network, network);
        _a.Jump(send);
        _a.Place(network);
        _a.Mov(R3, 0);
        _a.Mov(R4, 0);
        _a.LoadFrom(BpfSize.Double, R2, R10, KindAt);
        for (int kind = 0; kind < KindCount; kind++) _a.Jump(BpfJump.Equal, R2, kind, kinds[kind]);
        _a.Jump(_broken);
        for (int kind = 0; kind < KindCount; kind++)
        {
            _a.Place(kinds[kind]);
            int at = EthernetBytes + (TagBytes * (kind % KindIpv6));
            if (kind < KindIpv6) RewriteIpv4(at, send);
            else RewriteIpv6(at, send);
        }

        _a.Place(send);
    }

    private void Mac(KernelFlags flag, int slotAt, int at)
    {
        If(flag, () =>
        {
            for (int i = 0; i < 6; i += 2)
            {
                _a.LoadFrom(BpfSize.Half, R2, R8, slotAt + i);
                _a.Store(BpfSize.Half, R7, at + i, R2);
            }
        });
    }

    private void RewriteIpv4(int at, BpfLabel send)
    {
        BpfLabel headerDone = _a.NewLabel();
        NeedChecked(at + Ipv4Bytes);
        If(KernelFlags.SetIpSrc, () => ReplaceWord(at + 12, L.Ipv4Src));
        If(KernelFlags.SetIpDst, () => ReplaceWord(at + 16, L.Ipv4Dst));
        If(KernelFlags.SetTtl, () => ReplaceHalf(at + 8, R3, () =>
        {
            _a.Alu(BpfAlu.And, R2, 0xff00);
            _a.LoadFrom(BpfSize.Byte, R0, R8, L.Ttl);
            _a.Alu(BpfAlu.Or, R2, R0);
        }));
        If(KernelFlags.DecTtl, () => ReplaceHalf(at + 8, R3, () =>
        {
            _a.LoadFrom(BpfSize.Byte, R0, R8, L.TtlDecrement);
            _a.Alu(BpfAlu.Sub, R2, R0);
        }));
        If(KernelFlags.SetTos, () => ReplaceHalf(at, R3, () =>
        {
            _a.LoadFrom(BpfSize.Byte, R0, R8, L.TosMask);
            _a.Alu(BpfAlu.Lsh, R0, 8);
            _a.Alu(BpfAlu.Xor, R0, 0xffff);
            _a.Alu(BpfAlu.And, R2, R0);
            _a.LoadFrom(BpfSize.Byte, R0, R8, L.Tos);
            _a.Alu(BpfAlu.Lsh, R0, 8);
            _a.Alu(BpfAlu.Or, R2, R0);
        }));
        _a.Jump(BpfJump.Equal, R3, 0, headerDone);
        UpdateSum(at + 10, R3);
        _a.Place(headerDone);
        _a.LoadFrom(BpfSize.Byte, R3, R7, at + 9);
        RewriteTransport(at + Ipv4Bytes, hasIcmp6: false, send);
    }

    private void RewriteIpv6(int at, BpfLabel send)
    {
        NeedChecked(at + Ipv6Bytes);
        If(KernelFlags.SetIpSrc, () => ReplaceAddress(at + 8, L.Ipv6Src));
        If(KernelFlags.SetIpDst, () => ReplaceAddress(at + 24, L.Ipv6Dst));
        If(KernelFlags.SetTtl, () =>
        {
            _a.LoadFrom(BpfSize.Byte, R2, R8, L.Ttl);
            _a.Store(BpfSize.Byte, R7, at + 7, R2);
        });
        If(KernelFlags.DecTtl, () =>
        {
            _a.LoadFrom(BpfSize.Byte, R2, R7, at + 7);
            _a.LoadFrom(BpfSize.Byte, R0, R8, L.TtlDecrement);
            _a.Alu(BpfAlu.Sub, R2, R0);
            _a.Store(BpfSize.Byte, R7, at + 7, R2);
        });
        If(KernelFlags.SetTos, () =>
        {
            _a.LoadFrom(BpfSize.Half, R2, R7, at);
            _a.ToBigEndian(R2, 16);
            _a.LoadFrom(BpfSize.Byte, R0, R8, L.TosMask);
            _a.Alu(BpfAlu.Lsh, R0, 4);
            _a.Alu(BpfAlu.Xor, R0, 0xffff);
            _a.Alu(BpfAlu.And, R2, R0);
            _a.LoadFrom(BpfSize.Byte, R0, R8, L.Tos);
            _a.Alu(BpfAlu.Lsh, R0, 4);
            _a.Alu(BpfAlu.Or, R2, R0);
            _a.ToBigEndian(R2, 16);
            _a.Store(BpfSize.Half, R7, at, R2);
        });
        _a.LoadFrom(BpfSize.Byte, R3, R7, at + 6);
        RewriteTransport(at + Ipv6Bytes, hasIcmp6: true, send);
    }

    /// <summary>R3 protocol. The parser has let no transport header through that is not whole.</summary>
    private void RewriteTransport(int at, bool hasIcmp6, BpfLabel send)
    {
        BpfLabel tcp = _a.NewLabel(), udp = _a.NewLabel(), icmp = _a.NewLabel();
        _a.Jump(BpfJump.Equal, R3, Tcp, tcp);
        _a.Jump(BpfJump.Equal, R3, Udp, udp);
        if (hasIcmp6) _a.Jump(BpfJump.Equal, R3, Icmp6, icmp);
        _a.Jump(send);

        if (_isTc)
        {
            _a.Place(tcp);
            NeedChecked(at + TcpBytes);
            RewriteTransportOfSkb(at, 16, 0, hasPorts: true, send);
            _a.Place(udp);
            NeedChecked(at + UdpBytes);
            RewriteTransportOfSkb(at, 6, KeepsZero, hasPorts: true, send);
            if (!hasIcmp6) return;
            _a.Place(icmp);
            RewriteTransportOfSkb(at, 2, 0, hasPorts: false, send);
            return;
        }

        _a.Place(tcp);
        NeedChecked(at + TcpBytes);
        ReplacePorts(at, R4);
        _a.Jump(BpfJump.Equal, R4, 0, send);
        UpdateSum(at + 16, R4);
        _a.Jump(send);

        _a.Place(udp);
        NeedChecked(at + UdpBytes);
        ReplacePorts(at, R4);
        _a.Jump(BpfJump.Equal, R4, 0, send);
        _a.LoadFrom(BpfSize.Half, R0, R7, at + 6);
        _a.Jump(BpfJump.Equal, R0, 0, send);
        UpdateSum(at + 6, R4);
        _a.Jump(BpfJump.NotEqual, R4, 0, send);
        _a.Store(BpfSize.Half, R7, at + 6, 0xffff);
        _a.Jump(send);

        if (!hasIcmp6) return;
        _a.Place(icmp);
        NeedChecked(at + UdpBytes);
        _a.Jump(BpfJump.Equal, R4, 0, send);
        UpdateSum(at + 2, R4);
        _a.Jump(send);
    }

    private void ReplacePorts(int at, BpfRegister sum)
    {
        If(KernelFlags.SetTpSrc, () => ReplaceHalf(at, sum, () => _a.LoadFrom(BpfSize.Half, R2, R8, L.TpSrc)));
        If(KernelFlags.SetTpDst, () => ReplaceHalf(at + 2, sum, () => _a.LoadFrom(BpfSize.Half, R2, R8, L.TpDst)));
    }

    /// <summary>An IPv4 address counts for both sums.</summary>
    private void ReplaceWord(int at, int slotAt)
    {
        BpfLabel same = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, R0, R7, at);
        _a.LoadFrom(BpfSize.Word, R2, R8, slotAt);
        _a.Jump(BpfJump.Equal, R0, R2, same);
        _a.Store(BpfSize.Word, R7, at, R2);
        _a.Alu32(BpfAlu.Xor, R0, -1);
        _a.Alu(BpfAlu.Add, R0, R2);
        _a.Alu(BpfAlu.Add, R3, R0);
        _a.Alu(BpfAlu.Add, R4, R0);
        _a.Place(same);
    }

    /// <summary>Sixteen bytes; if any of them changes all count, as they do word by word. R3 is free: there is no header sum.</summary>
    private void ReplaceAddress(int at, int slotAt)
    {
        BpfLabel same = _a.NewLabel();
        _a.Mov(R0, 0);
        for (int i = 0; i < 16; i += 4)
        {
            _a.LoadFrom(BpfSize.Word, R2, R7, at + i);
            _a.LoadFrom(BpfSize.Word, R3, R8, slotAt + i);
            _a.Alu(BpfAlu.Xor, R2, R3);
            _a.Alu(BpfAlu.Or, R0, R2);
        }

        _a.Jump(BpfJump.Equal, R0, 0, same);
        for (int i = 0; i < 16; i += 4)
        {
            _a.LoadFrom(BpfSize.Word, R2, R7, at + i);
            _a.LoadFrom(BpfSize.Word, R3, R8, slotAt + i);
            _a.Store(BpfSize.Word, R7, at + i, R3);
            _a.Alu32(BpfAlu.Xor, R2, -1);
            _a.Alu(BpfAlu.Add, R4, R2);
            _a.Alu(BpfAlu.Add, R4, R3);
        }

        _a.Place(same);
    }

    /// <summary>Sixteen bits: <paramref name="change"/> makes the new value in R2 of the old one in it; it may use R0.</summary>
    private void ReplaceHalf(int at, BpfRegister sum, Action change)
    {
        BpfLabel same = _a.NewLabel();
        _a.LoadFrom(BpfSize.Half, R2, R7, at);
        change();
        _a.LoadFrom(BpfSize.Half, R0, R7, at);
        _a.Jump(BpfJump.Equal, R0, R2, same);
        _a.Store(BpfSize.Half, R7, at, R2);
        _a.Alu(BpfAlu.Xor, R0, 0xffff);
        _a.Alu(BpfAlu.Add, sum, R0);
        _a.Alu(BpfAlu.Add, sum, R2);
        _a.Place(same);
    }

    /// <summary>The checksum of the frame follows; <paramref name="sum"/> is the new one behind it.</summary>
    private void UpdateSum(int at, BpfRegister sum)
    {
        _a.LoadFrom(BpfSize.Half, R0, R7, at);
        _a.Alu(BpfAlu.Xor, R0, 0xffff);
        _a.Alu(BpfAlu.Add, sum, R0);
        Fold(sum, R0);
        _a.Alu(BpfAlu.Xor, sum, 0xffff);
        _a.Store(BpfSize.Half, R7, at, sum);
    }

    private void If(KernelFlags flag, Action body)
    {
        BpfLabel skip = _a.NewLabel(), run = _a.NewLabel();
        _a.Jump(BpfJump.AnyBit, R1, (int)flag, run);
        _a.Jump(skip);
        _a.Place(run);
        body();
        _a.Place(skip);
    }
}
