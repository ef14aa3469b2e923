using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// What Open vSwitch reads of a packet in one lookup (<c>find_match_wc</c> of lib/classifier.c): subtables in order of their best priority,
/// in each stage by stage, with prefix tries of addresses (<see cref="PrefixFields"/>) and one of ports per subtable.
/// </summary>
/// <remarks>
/// For small tables, and where double-tagged packets are concerned: there megaflows must be as narrow as Open vSwitch's, because which packets share
/// one decides what is counted where, and which of two is hit.
/// </remarks>
internal sealed unsafe partial class StagedLookup
{
    private const int Ipv4Bits = 32;
    private const int Ipv6Bits = 128;
    private const int PortsByte = KeyLayout.TpSrc;

    private readonly bool _portsStandForStage;
    private readonly OfRule[] _rules;
    private readonly Subtable[] _subtables;
    private readonly Trie[] _tries;

    /// <summary>Takes the rules, sorted by precedence, and one rule of each subtable, first visited first.</summary>
    public StagedLookup(OfRule[] rules, OfRule[] heads, bool portsStandForStage, PrefixFields prefixes)
    {
        _portsStandForStage = portsStandForStage;
        Trie[] tries = [.. Trie.All.Where(t => (t.Field & prefixes) != 0)];
        _rules = rules;
        var byMask = new Dictionary<MaskKey, Subtable>();
        foreach (OfRule head in heads) byMask.Add(new MaskKey(head), new Subtable(in head.Match.Mask, tries));
        for (int r = 0; r < rules.Length; r++) byMask[new MaskKey(rules[r])].Members.Add(r);
        _subtables = [.. heads.Select(h => byMask[new MaskKey(h)])];
        foreach (Subtable s in _subtables)
        {
            if (s.PortsLength > 0) s.Ports = [.. s.Members.Select(r => new Prefix(ValueAt(r, PortsByte, Ipv4Bits), s.PortsLength)).Distinct()];
        }

        _tries = [.. tries.Select((t, i) => t with { Prefixes = PrefixesOf(t, i) })];
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
        if (!stage.HasAddresses) return false;
        ushort type = BinaryPrimitives.ReverseEndianness(((ushort*)view.Flow)[KeyLayout.DlType / 2]);
        for (int i = 0; i < _tries.Length; i++)
        {
            if (_tries[i].EthType == type && CanSkip(s.PrefixLengths[i], _tries[i], view)) return true;
        }

        return false;
    }

    private static bool CanSkip(int length, Trie trie, FlowView view)
    {
        if (length == 0) return false;
        UInt128 value = Left(new ReadOnlySpan<byte>((byte*)view.Flow + trie.Offset, trie.Bits / 8));
        int read = Walk(trie.Prefixes, value, trie.Bits, length, out bool hasLength);
        if (hasLength) return false;
        UInt128 bits = PrefixMask(read);
        int first = trie.Offset / 8, words = trie.Bits == Ipv4Bits ? 1 : 2, shift = trie.Bits == Ipv4Bits ? (trie.Offset & 4) * 8 : 0;
        bool isKnown = true;
        for (int w = 0; w < words; w++)
        {
            ulong window = Window(bits, w, trie.Bits, shift);
            isKnown &= (view.Known(first + w) & window) == window;
        }

        if (read > length && !isKnown) return false;
        for (int w = 0; w < words; w++) view.Excluded[first + w] |= Window(bits, w, trie.Bits, shift) & view.Live[first + w] & ~view.Consulted[first + w];
        return true;
    }

    /// <summary>Bits of an address, the first one highest, in an 8-byte word of the flow.</summary>
    private static ulong Window(UInt128 bits, int word, int fieldBits, int shift) => fieldBits == Ipv4Bits
        ? (ulong)BinaryPrimitives.ReverseEndianness((uint)(bits >> (Ipv6Bits - Ipv4Bits))) << shift
        : BinaryPrimitives.ReverseEndianness((ulong)(bits >> (word == 0 ? 64 : 0)));

    /// <summary>Bytes of an address, the first bit highest.</summary>
    private static UInt128 Left(ReadOnlySpan<byte> bytes) => bytes.Length == Ipv4Bits / 8 ? (UInt128)BinaryPrimitives.ReadUInt32BigEndian(bytes) << (Ipv6Bits - Ipv4Bits) : BinaryPrimitives.ReadUInt128BigEndian(bytes);

    /// <summary>The bits of the word with the ports that a lookup without an answer reads: of the ports themselves only as many as tell which prefixes there are.</summary>
    private static ulong PortsThatDecide(Subtable s, FlowView view, out bool decide)
    {
        decide = false;
        if (s.PortsLength == 0) return ulong.MaxValue;
        uint value = BinaryPrimitives.ReverseEndianness(*(uint*)((byte*)view.Flow + PortsByte)) & s.PortsMask;
        int read = Walk(s.Ports, (UInt128)value << (Ipv6Bits - Ipv4Bits), Ipv4Bits, s.PortsLength, out bool hasLength);
        decide = !hasLength;
        ulong unread = (ulong)BinaryPrimitives.ReverseEndianness(s.PortsMask & ~(uint)(PrefixMask(read) >> (Ipv6Bits - Ipv4Bits))) << ((PortsByte & 4) * 8);
        return ~unread;
    }

    /// <summary>The bits of the word with the ports that are the subtable's ports.</summary>
    private static ulong PortsOf(Subtable s) => (ulong)BinaryPrimitives.ReverseEndianness(s.PortsMask) << ((PortsByte & 4) * 8);

    /// <summary>How many bits tell which prefixes the value has (<c>trie_lookup_value</c>), and whether it has one of a length.</summary>
    private static int Walk(Prefix[] trie, UInt128 value, int bits, int wanted, out bool hasLength)
    {
        hasLength = false;
        int longest = 0;
        bool parts = false;
        foreach ((UInt128 prefix, int length) in trie)
        {
            int common = Math.Min(length, (int)UInt128.LeadingZeroCount(prefix ^ value));
            hasLength |= common == length && length == wanted;
            if (common > longest) (longest, parts) = (common, false);
            if (common == longest) parts |= length > common;
        }

        return Math.Min(bits, parts ? longest + 1 : longest);
    }

    private Prefix[] PrefixesOf(Trie trie, int index)
    {
        var all = new List<Prefix>();
        foreach (Subtable s in _subtables)
        {
            if (s.PrefixLengths[index] == 0) continue;
            foreach (int r in s.Members) all.Add(new Prefix(ValueAt(r, trie.Offset, trie.Bits), s.PrefixLengths[index]));
        }

        return [.. all.Distinct()];
    }

    private UInt128 ValueAt(int rule, int offset, int bits) => Left(PipelineFlow.BytesOf(in _rules[rule].Match.Value).Slice(offset, bits / 8));

    private static UInt128 PrefixMask(int length) => length == 0 ? 0 : UInt128.MaxValue << (Ipv6Bits - length);

    private readonly record struct Prefix(UInt128 Value, int Length);

    /// <summary>Prefixes of one field, for packets of one Ethernet type.</summary>
    private readonly record struct Trie(PrefixFields Field, int Offset, int Bits, ushort EthType, Prefix[] Prefixes)
    {
        public static readonly Trie[] All =
        [
            new(PrefixFields.NwDst, KeyLayout.NwDst, Ipv4Bits, Keys.EthType.Ip, []), new(PrefixFields.NwSrc, KeyLayout.NwSrc, Ipv4Bits, Keys.EthType.Ip, []),
            new(PrefixFields.Ipv6Dst, KeyLayout.Ipv6Dst, Ipv6Bits, Keys.EthType.Ipv6, []), new(PrefixFields.Ipv6Src, KeyLayout.Ipv6Src, Ipv6Bits, Keys.EthType.Ipv6, []),
        ];
    }

    private readonly record struct Stage((int Index, ulong Mask)[] Words, bool HasAddresses);

    /// <summary>Rules with one mask (OVS <c>struct cls_subtable</c>).</summary>
    private sealed class Subtable
    {
        public Subtable(ref readonly PipelineFlow mask, Trie[] tries)
        {
            ReadOnlySpan<byte> bytes = PipelineFlow.BytesOf(in mask);
            PrefixLengths = new int[tries.Length];
            for (int i = 0; i < tries.Length; i++) PrefixLengths[i] = PrefixLength(Left(bytes.Slice(tries[i].Offset, tries[i].Bits / 8)));
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

        /// <summary>Of each trie's field, the bits that all rules match; 0 = none, or not those at its beginning.</summary>
        public int[] PrefixLengths { get; }

        public uint PortsMask { get; }

        public int PortsLength { get; }

        public Prefix[] Ports { get; set; } = [];

        private static int PrefixLength(UInt128 mask)
        {
            int length = (int)UInt128.LeadingZeroCount(~mask);
            return length == Ipv6Bits || mask << length == 0 ? length : 0;
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
