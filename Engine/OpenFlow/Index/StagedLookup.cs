using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// What Open vSwitch reads of a packet in one lookup (<c>find_match_wc</c> of lib/classifier.c): subtables in order of their best priority,
/// in each stage by stage, with a prefix trie for <c>nw_dst</c>, one for <c>nw_src</c> and one of ports per subtable.
/// </summary>
/// <remarks>
/// For small tables, and where double-tagged packets are concerned: there megaflows must be as narrow as Open vSwitch's, because which packets share
/// one decides what is counted where, and which of two is hit.
/// </remarks>
internal sealed unsafe partial class StagedLookup
{
    private const int NwSrcByte = KeyLayout.NwSrc;
    private const int NwDstByte = KeyLayout.NwDst;
    private const int PortsByte = KeyLayout.TpSrc;

    private readonly bool _portsStandForStage;
    private readonly OfRule[] _rules;
    private readonly Subtable[] _subtables;
    private readonly Prefix[] _dstTrie;
    private readonly Prefix[] _srcTrie;

    /// <summary>Takes the rules, sorted by precedence, and one rule of each subtable, first visited first.</summary>
    public StagedLookup(OfRule[] rules, OfRule[] heads, bool portsStandForStage)
    {
        _portsStandForStage = portsStandForStage;
        _rules = rules;
        var byMask = new Dictionary<MaskKey, Subtable>();
        foreach (OfRule head in heads) byMask.Add(new MaskKey(head), new Subtable(in head.Match.Mask));
        for (int r = 0; r < rules.Length; r++) byMask[new MaskKey(rules[r])].Members.Add(r);
        _subtables = [.. heads.Select(h => byMask[new MaskKey(h)])];
        foreach (Subtable s in _subtables)
        {
            if (s.PortsLength > 0) s.Ports = [.. s.Members.Select(r => new Prefix(ValueAt(r, PortsByte), s.PortsLength)).Distinct()];
        }

        _dstTrie = Prefixes(NwDstByte, static s => s.DstPrefixLength);
        _srcTrie = Prefixes(NwSrcByte, static s => s.SrcPrefixLength);
    }

    /// <summary>The rule that the flow matches, or null; adds to the view what is read until it is known.</summary>
    public OfRule? Lookup(FlowView view)
    {
        OfRule? best = null;
        Subtable? home = null;
        foreach (Subtable s in _subtables)
        {
            if (best is not null && _rules[s.Members[0]].Priority <= best.Priority) break;
            int match = Find(s, view);
            if (match < 0 || (best is not null && _rules[match].Priority <= best.Priority)) continue;
            (best, home) = (_rules[match], s);
        }

        if (home is not null) Consult(home, view);
        return best;
    }

    /// <summary>The winner's own mask is not a matter of choice.</summary>
    private static void Consult(Subtable s, FlowView view)
    {
        foreach (Stage stage in s.Stages)
        {
            foreach ((int w, ulong mask) in stage.Words) view.Consulted[w] |= mask & view.Live[w];
        }
    }

    private int Find(Subtable s, FlowView view)
    {
        int last = s.Stages.Length - 1;
        for (int stage = 0; stage <= last; stage++)
        {
            if (CanSkip(s, s.Stages[stage], view))
            {
                Read(s, stage, view);
                return -1;
            }

            if (stage == last) break;
            if (MemberAt(s, stage + 1, view) >= 0) continue;
            Read(s, stage + 1, view);
            return -1;
        }

        int match = MemberAt(s, last + 1, view);
        bool decide = false;
        ulong ports = match < 0 ? PortsThatDecide(s, view, out decide) : ulong.MaxValue;
        if (match < 0 && _portsStandForStage && decide)
        {
            // Of the last stage, what tells the ports.
            Read(s, last, view);
            view.Excluded[PortsByte / 8] |= ports & PortsOf(s) & view.Live[PortsByte / 8] & ~view.Consulted[PortsByte / 8];
            return match;
        }

        Read(s, last + 1, view, ports);
        return match;
    }

    /// <summary>The first rule that agrees in the first <paramref name="stages"/> stages, or -1.</summary>
    private int MemberAt(Subtable s, int stages, FlowView view)
    {
        foreach (int r in s.Members)
        {
            ulong differs = 0;
            for (int i = 0; i < stages; i++)
            {
                foreach ((int w, ulong mask) in s.Stages[i].Words) differs |= (view.Flow[w] ^ TableIndex.WordOf(in _rules[r].Match.Value, w)) & mask;
            }

            if (differs == 0) return r;
        }

        return -1;
    }

    /// <summary>Reads the first stages; of the word that has the ports no more than <paramref name="ports"/>.</summary>
    private static void Read(Subtable s, int stages, FlowView view, ulong ports = ulong.MaxValue)
    {
        for (int i = 0; i < stages; i++)
        {
            foreach ((int w, ulong mask) in s.Stages[i].Words) view.Excluded[w] |= mask & (w == PortsByte / 8 ? ports : ulong.MaxValue) & view.Live[w] & ~view.Consulted[w];
        }
    }

    /// <summary>True if an address has no prefix of the length that all rules of the subtable have; reads what shows it (<c>check_tries</c>).</summary>
    private bool CanSkip(Subtable s, Stage stage, FlowView view)
    {
        if (!stage.HasAddresses || BinaryPrimitives.ReverseEndianness(((ushort*)view.Flow)[KeyLayout.DlType / 2]) != EthType.Ip) return false;
        return CanSkip(s.DstPrefixLength, _dstTrie, NwDstByte, view) || CanSkip(s.SrcPrefixLength, _srcTrie, NwSrcByte, view);
    }

    private static bool CanSkip(int length, Prefix[] trie, int offset, FlowView view)
    {
        if (length == 0) return false;
        uint value = BinaryPrimitives.ReverseEndianness(*(uint*)((byte*)view.Flow + offset));
        int read = Walk(trie, value, out ulong lengths);
        if ((lengths >> length & 1) != 0) return false;
        uint bits = PrefixMask(read);
        uint known = BinaryPrimitives.ReverseEndianness((uint)(view.Known(offset / 8) >> ((offset & 4) * 8)));
        if (read > length && (known & bits) != bits) return false;
        ulong window = (ulong)BinaryPrimitives.ReverseEndianness(bits) << ((offset & 4) * 8);
        view.Excluded[offset / 8] |= window & view.Live[offset / 8] & ~view.Consulted[offset / 8];
        return true;
    }

    /// <summary>The bits of the word with the ports that a lookup without an answer reads: of the ports themselves only as many as tell which prefixes there are.</summary>
    private static ulong PortsThatDecide(Subtable s, FlowView view, out bool decide)
    {
        decide = false;
        if (s.PortsLength == 0) return ulong.MaxValue;
        uint value = BinaryPrimitives.ReverseEndianness(*(uint*)((byte*)view.Flow + PortsByte)) & s.PortsMask;
        int read = Walk(s.Ports, value, out ulong lengths);
        decide = (lengths >> s.PortsLength & 1) == 0;
        ulong unread = (ulong)BinaryPrimitives.ReverseEndianness(s.PortsMask & ~PrefixMask(read)) << ((PortsByte & 4) * 8);
        return ~unread;
    }

    /// <summary>The bits of the word with the ports that are the subtable's ports.</summary>
    private static ulong PortsOf(Subtable s) => (ulong)BinaryPrimitives.ReverseEndianness(s.PortsMask) << ((PortsByte & 4) * 8);

    /// <summary>How many bits tell which prefixes the value has (<c>trie_lookup_value</c>); bit n of <paramref name="lengths"/>: one of n bits.</summary>
    private static int Walk(Prefix[] trie, uint value, out ulong lengths)
    {
        lengths = 0;
        int longest = 0;
        bool parts = false;
        foreach ((uint prefix, int length) in trie)
        {
            int common = Math.Min(length, BitOperations.LeadingZeroCount(prefix ^ value));
            if (common == length) lengths |= 1UL << length;
            if (common > longest) (longest, parts) = (common, false);
            if (common == longest) parts |= length > common;
        }

        return Math.Min(32, parts ? longest + 1 : longest);
    }

    private Prefix[] Prefixes(int offset, Func<Subtable, int> lengthOf)
    {
        var all = new List<Prefix>();
        foreach (Subtable s in _subtables)
        {
            if (lengthOf(s) == 0) continue;
            foreach (int r in s.Members) all.Add(new Prefix(ValueAt(r, offset), lengthOf(s)));
        }

        return [.. all.Distinct()];
    }

    private uint ValueAt(int rule, int offset) => BinaryPrimitives.ReadUInt32BigEndian(PipelineFlow.BytesOf(in _rules[rule].Match.Value)[offset..]);

    private static uint PrefixMask(int length) => length == 0 ? 0 : uint.MaxValue << (32 - length);

    private readonly record struct Prefix(uint Value, int Length);

    private readonly record struct Stage((int Index, ulong Mask)[] Words, bool HasAddresses);

    /// <summary>Rules with one mask (OVS <c>struct cls_subtable</c>).</summary>
    private sealed class Subtable
    {
        public Subtable(ref readonly PipelineFlow mask)
        {
            ReadOnlySpan<byte> bytes = PipelineFlow.BytesOf(in mask);
            DstPrefixLength = PrefixLength(BinaryPrimitives.ReadUInt32BigEndian(bytes[NwDstByte..]));
            SrcPrefixLength = PrefixLength(BinaryPrimitives.ReadUInt32BigEndian(bytes[NwSrcByte..]));
            PortsMask = BinaryPrimitives.ReadUInt32BigEndian(bytes[PortsByte..]);
            PortsLength = PortsMask == 0 ? 0 : 32 - BitOperations.TrailingZeroCount(PortsMask);
            var stages = new List<Stage>();
            for (int segment = 0; segment < StageOf.Count; segment++)
            {
                var words = new ulong[TableIndex.WordCount];
                bool any = false;
                for (int b = 0; b < PipelineFlow.SizeBytes; b++)
                {
                    byte bits = bytes[b];
                    if (bits == 0 || StageOf.Byte(b) != segment) continue;
                    words[b / 8] |= (ulong)bits << (b % 8 * 8);
                    any = true;
                }

                // packet_type is in every rule of Open vSwitch: there is always a first stage.
                if (any || segment == 0) stages.Add(new Stage([.. words.Index().Where(static w => w.Item != 0)], segment == StageOf.Network));
            }

            Stages = [.. stages];
        }

        public List<int> Members { get; } = [];

        public Stage[] Stages { get; }

        public int DstPrefixLength { get; }

        public int SrcPrefixLength { get; }

        public uint PortsMask { get; }

        public int PortsLength { get; }

        public Prefix[] Ports { get; set; } = [];

        private static int PrefixLength(uint mask)
        {
            int length = BitOperations.LeadingZeroCount(~mask);
            return length == 32 || mask << length == 0 ? length : 0;
        }
    }

    /// <summary>The stages of a lookup: metadata, link, network, transport layer (OVS <c>flow_segment_u64s</c>).</summary>
    private static class StageOf
    {
        public const int Count = 4;
        public const int Metadata = 0;
        public const int Link = 1;
        public const int Network = 2;
        public const int Transport = 3;

        public static int Byte(int offset) => offset switch
        {
            < KeyLayout.InPort => Link,
            KeyLayout.NwFrag => Network,
            < Lanes.Network * Lanes.SizeBytes => Metadata,
            < KeyLayout.TpSrc => Network,
            < Lanes.Ipv6 * Lanes.SizeBytes => Transport,
            < Lanes.Ct * Lanes.SizeBytes => Network,
            < KeyLayout.CtNwSrc => Metadata,
            < KeyLayout.CtTpSrc => Network,
            < KeyLayout.CtNwProto => Transport,
            < Lanes.Neighbor * Lanes.SizeBytes => Metadata,
            < Lanes.Rare * Lanes.SizeBytes => Transport,
            < KeyLayout.Ipv6Label => Metadata,
            < KeyLayout.Vlan1Tci => Network,
            < Lanes.Tunnel * Lanes.SizeBytes => Link,
            < Lanes.CtIpv6 * Lanes.SizeBytes => Metadata,
            < Lanes.Regs * Lanes.SizeBytes => Network,
            _ => Metadata,
        };
    }
}
