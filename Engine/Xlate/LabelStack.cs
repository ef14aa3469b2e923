using System.Buffers.Binary;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.TranslatorLayout;

namespace Mergeflow.Engine.Xlate;

/// <content>MPLS label stacks of up to three entries (OVS <c>flow_push_mpls</c>, <c>flow_pop_mpls</c>, <c>commit_mpls_action</c>).</content>
public sealed unsafe partial class Translator
{
    private const int MaxLabels = 3;
    private const uint BottomOfStack = 0x100;

    /// <summary>The bottom-of-stack bit in an 8-byte window at a label stack entry.</summary>
    private const ulong BottomWindow = 0x0001_0000;

    /// <summary>Labels in sight, counted up to the bottom of the stack; consults the bits that say so.</summary>
    private int CountLabels()
    {
        if (!IsMpls) return 0;
        int count = 0;
        for (int i = 0; i < MaxLabels; i++)
        {
            Consult(LseAt(i), BottomWindow);
            if ((Read32(_flow, LseAt(i)) & BottomOfStack) != 0) return i + 1;
            if (ConsultNonZero(LseAt(i))) count++;
        }

        return count;
    }

    /// <summary>
    /// Without a bottom in sight an entry of zero is no entry, as in a truncated frame or behind the pop of the only label (OVS
    /// <c>flow_count_mpls_labels</c>); above a bottom it is one.
    /// </summary>
    private bool ConsultNonZero(int offset)
    {
        for (int i = 0; i < 4; i++)
        {
            if (_flow[offset + i] != 0) return ConsultAnyBit(offset + i, 0xff);
        }

        Consult(offset, L.Window4);
        return false;
    }

    private void PushMpls(ushort etherType)
    {
        int n = CountLabels();
        if (n >= MaxLabels)
        {
            FailInBucket("more MPLS labels than the 3 supported");
            return;
        }

        if (n > 0)
        {
            for (int i = 0; i < n; i++) Consult(LseAt(i), L.Window4);
            for (int i = n; i >= 1; i--) WriteLse(i, Read32(_flow, LseAt(i - 1)));
            WriteLse(0, Read32(_flow, LseAt(1)) & ~BottomOfStack);
        }
        else
        {
            Commit();
            uint label = DlTypeHost == EthType.Ipv6 ? 2u : 0u;
            uint tc = 0;
            uint ttl = 64;
            if (IsIp)
            {
                // Three bits of DSCP fit the traffic class; OVS consults all six and keeps the low ones.
                Consult(L.NwTos, 0xfc);
                Consult(L.NwTtl, 0xff);
                tc = ((uint)_flow[L.NwTos] >> 2) & 7;
                if (_flow[L.NwTtl] != 0) ttl = _flow[L.NwTtl];
            }

            WriteLse(0, (label << 12) | (tc << 9) | BottomOfStack | ttl);
            HideNetworkLayer();
        }

        Write(L.DlType, L.Window2, BinaryPrimitives.ReverseEndianness(etherType));
        _dirty = true;
    }

    private void PopMpls(ushort etherType)
    {
        int n = CountLabels();
        if (n == 0) return;
        if (n == MaxLabels && (Read32(_flow, LseAt(n - 1)) & BottomOfStack) == 0)
        {
            FailInBucket("more MPLS labels than the 3 supported");
            return;
        }

        for (int i = 1; i < n; i++)
        {
            Consult(LseAt(i), L.Window4);
            WriteLse(i - 1, Read32(_flow, LseAt(i)));
        }

        WriteLse(n - 1, 0);
        Write(L.DlType, L.Window2, BinaryPrimitives.ReverseEndianness(etherType));
        _dirty = true;

        // What is behind the label has not been parsed: anything that looks at it recirculates first.
        if (etherType is not (EthType.Mpls or EthType.MplsMcast)) _wasMpls = true;
    }

    /// <summary>Decrements the outer label's TTL; false stops the list.</summary>
    private bool DecMplsTtl()
    {
        if (!IsMpls) return false;
        int at = LseAt(0) + 3;
        Consult(at, 0xff);
        byte ttl = _flow[at];
        if (ttl <= 1)
        {
            Note(null, "MPLS TTL exceeded");
            return false;
        }

        Write(at, 0xff, (ulong)(ttl - 1));
        _dirty = true;
        return true;
    }

    /// <summary>After the first push, what was IP is opaque payload: all its fields read as zero.</summary>
    private void HideNetworkLayer()
    {
        foreach (int lane in (ReadOnlySpan<int>)[1, 2, 4])
        {
            new Span<byte>(_flow + (32 * lane), 32).Clear();
            new Span<byte>(_live + (32 * lane), 32).Clear();
        }

        _flow[L.NwFrag] = 0;
        _live[L.NwFrag] = 0;
        Write(L.Ipv6Label, L.Window4, 0);
        Write(L.DpHash, L.Window4, 0);
    }

    private void CommitMpls()
    {
        int have = LabelsOf(_base);
        int want = LabelsOf(_flow);
        int common = 0;
        while (common < have && common < want
            && SameLse(LseAt(want - 1 - common), LseAt(have - 1 - common)))
        {
            common++;
        }

        while (have > common)
        {
            if (have - 1 == common && want > common)
            {
                SetOuterLse(want - have);
                common++;
                continue;
            }

            ushort type = !IsMpls && have > 1 ? EthType.Mpls : DlTypeHost;
            _out.Add(DpOp.PopMpls).EthType = type;
            for (int i = 1; i < have; i++) CopyLse(_base, _baseLive, i, i - 1);
            *(uint*)(_base + LseAt(have - 1)) = 0;
            *(uint*)(_baseLive + LseAt(have - 1)) = 0;
            have--;
        }

        for (; have < want; have++)
        {
            int source = LseAt(want - have - 1);
            Consult(source, L.Window4);
            ref DpAction push = ref _out.Add(DpOp.PushMpls);
            push.EthType = DlTypeHost;
            push.MplsLse = Read32(_flow, source);
            for (int i = have; i >= 1; i--) CopyLse(_base, _baseLive, i - 1, i);
            *(uint*)(_base + LseAt(0)) = *(uint*)(_flow + source);
            *(uint*)(_baseLive + LseAt(0)) = 0;
        }

        *(ushort*)(_base + L.DlType) = *(ushort*)(_flow + L.DlType);
    }

    /// <summary>Rewrites the packet's outer entry with the flow's entry <paramref name="index"/>.</summary>
    private void SetOuterLse(int index)
    {
        int source = LseAt(index);
        uint mask = uint.MaxValue;
        if (index == 0)
        {
            mask = (uint)Settle(source, L.Window4);
            if (mask == 0) return;
        }
        else
        {
            Consult(source, L.Window4);
            *(uint*)(_base + LseAt(0)) = *(uint*)(_flow + source);
            *(uint*)(_baseLive + LseAt(0)) = 0;
        }

        ref DpAction set = ref _out.Add(DpOp.SetMpls);
        set.Mpls.LseMask = new Native.Be32(mask);
        set.Mpls.Lse = new Native.Be32(*(uint*)(_flow + source) & mask);
    }

    /// <summary>Entries agree: the same bits, both own or both constant.</summary>
    private bool SameLse(int flowOffset, int baseOffset)
    {
        uint live = *(uint*)(_live + flowOffset);
        uint baseLive = *(uint*)(_baseLive + baseOffset);
        if (flowOffset == baseOffset && live == baseLive) return *(uint*)(_flow + flowOffset) == *(uint*)(_base + baseOffset);
        Consult(flowOffset, L.Window4);
        if (*(uint*)(_flow + flowOffset) != *(uint*)(_base + baseOffset)) return false;
        *(uint*)(_wc + baseOffset) |= baseLive;
        return true;
    }

    private static int LabelsOf(byte* flow)
    {
        if (Tci(flow, L.DlType) is not (EthType.Mpls or EthType.MplsMcast)) return 0;
        int count = 0;
        for (int i = 0; i < MaxLabels; i++)
        {
            uint entry = Read32(flow, LseAt(i));
            if ((entry & BottomOfStack) != 0) return i + 1;
            if (entry != 0) count++;
        }

        return count;
    }

    private static void CopyLse(byte* flow, byte* live, int from, int to)
    {
        *(uint*)(flow + LseAt(to)) = *(uint*)(flow + LseAt(from));
        *(uint*)(live + LseAt(to)) = 0;
    }

    private void WriteLse(int index, uint value) => Write(LseAt(index), L.Window4, BinaryPrimitives.ReverseEndianness(value));

    private static int LseAt(int index) => L.MplsLse0 + (4 * index);
}
