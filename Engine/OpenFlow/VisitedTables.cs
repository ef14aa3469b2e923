using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// Which tables of which bridges a translation looked up, whether it found a rule or not, and what of the packet it showed them as it came: enough to say of most
/// changed rules that the translation is the same with and without them.
/// </summary>
internal struct VisitedTables
{
    /// <summary>A bit for each bridge; those whose numbers are the same modulo 64 share one.</summary>
    private ulong _bridges;
    private Bits _tables;
    private LaneBytes _own;

    /// <summary>No table yet.</summary>
    public static VisitedTables None
    {
        get
        {
            VisitedTables none = default;
            ((Span<uint>)none._own).Fill(~0u);
            return none;
        }
    }

    /// <summary>A lookup in <paramref name="table"/> of a bridge; <see cref="Hide"/> says what it did not show.</summary>
    public void Add(ushort bridge, byte table)
    {
        _bridges |= 1UL << (bridge & 63);
        _tables[table >> 6] |= 1UL << (table & 63);
    }

    /// <summary>In some lookup only <paramref name="own"/> of a lane's bytes, bit n for byte n, were the packet's own, all of their bits.</summary>
    public void Keep(int lane, uint own) => _own[lane] &= own;

    /// <summary>In some lookup bytes of the key were hidden or had other values than the packet's.</summary>
    public void Hide(int offset, int sizeBytes) => _own[offset / Lanes.SizeBytes] &= ~(((1u << sizeBytes) - 1) << (offset % Lanes.SizeBytes));

    /// <summary>Whether the table of the bridge may have been looked up: a table of that number was, and some table of that bridge.</summary>
    public readonly bool Has(ushort bridge, byte table) => (_bridges >> (bridge & 63) & _tables[table >> 6] >> (table & 63) & 1) != 0;

    /// <summary>Bits of a lane that all lookups saw as they came with the packet: of bytes that were not written by an action, not hidden, not exchanged.</summary>
    public readonly Vector256<byte> OwnMask(int lane)
    {
        // Byte n of the lane looks at bit n of the word: its byte n / 8, bit n % 8.
        Vector256<byte> bytes = Vector256.Shuffle(Vector256.Create(_own[lane]).AsByte(), Vector256.Create(0UL, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303).AsByte());
        Vector256<byte> bits = Vector256.Create(0x8040_2010_0804_0201UL).AsByte();
        return Vector256.Equals(bytes & bits, bits);
    }

    /// <summary>Both have seen the same.</summary>
    public readonly bool IsSame(in VisitedTables other)
        => _bridges == other._bridges && ((ReadOnlySpan<ulong>)_tables).SequenceEqual(other._tables) && ((ReadOnlySpan<uint>)_own).SequenceEqual(other._own);

    /// <summary>Adds all of it to a hash.</summary>
    public readonly void AddTo(ref HashCode hash)
    {
        hash.Add(_bridges);
        hash.AddBytes(MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)_tables));
        hash.AddBytes(MemoryMarshal.AsBytes((ReadOnlySpan<uint>)_own));
    }

    [InlineArray(4)]
    private struct Bits
    {
        private ulong _first;
    }

    [InlineArray(FlowKey.LaneCount)]
    private struct LaneBytes
    {
        private uint _first;
    }
}
