using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Nic;


/// <summary>
/// The wildcard table (a TCAM without priorities): value/mask rows in groups of eight, stored by columns so that one comparison serves eight rows.
/// </summary>
/// <remarks>
/// <code>
/// group g:   word 0: value[8] mask[8] | word 1: value[8] mask[8] | ... word 31        2048 bytes
///            _used[g]: words that some row looks at (never shrinks while a row is left)   _valid[g]: rows in use
/// </code>
/// Changed only while no receiver is inside (<see cref="NicGate"/>).
/// </remarks>
internal sealed unsafe class WildcardTable : IDisposable
{
    /// <summary>Rows of a group.</summary>
    public const int GroupRows = 8;

    private const int GroupWords = NicKey.WordCount * GroupRows * 2;

    private readonly int _capacity;
    private readonly int _groupCount;
    private readonly bool _useVector;
    private readonly uint* _columns;
    private readonly uint* _used;
    private readonly uint* _valid;
    private readonly nint* _rules;
    private bool _disposed;

    public WildcardTable(int capacity, NicKernel kernel)
    {
        _capacity = capacity;
        _groupCount = (capacity + GroupRows - 1) / GroupRows;
        _useVector = kernel != NicKernel.Scalar;
        _columns = (uint*)NativeMemory.AlignedAlloc((nuint)Math.Max(_groupCount, 1) * GroupWords * sizeof(uint), 64);
        _used = (uint*)NativeMemory.AllocZeroed((nuint)_groupCount + 1, sizeof(uint));
        _valid = (uint*)NativeMemory.AllocZeroed((nuint)_groupCount + 1, sizeof(uint));
        _rules = (nint*)NativeMemory.AllocZeroed((nuint)(_groupCount * GroupRows) + 1, (nuint)sizeof(nint));
    }

    /// <summary>Rules in the table.</summary>
    public int Count { get; private set; }

    /// <summary>The matching rule in the lowest row; null if there is none.</summary>
    public RuleBlock* Find(ref NicKey key) => _useVector ? Find<WildcardKernelVector256>(ref key) : Find<WildcardKernelScalar>(ref key);

    /// <summary>Adds a rule in the lowest free row.</summary>
    public FlowErrno Insert(ref NicKey mask, ref NicKey value, RuleBlock* rule, out int row)
    {
        row = -1;
        for (int g = 0; g < _groupCount; g++)
        {
            for (int r = 0; r < GroupRows && (g * GroupRows) + r < _capacity; r++)
            {
                if ((_valid[g] >> r & 1) == 0)
                {
                    if (row < 0) row = (g * GroupRows) + r;
                }
                else if (IsAt((g * GroupRows) + r, ref mask, ref value))
                {
                    return FlowErrno.Exists;
                }
            }
        }
        if (row < 0) return FlowErrno.NoSpace;
        int group = row / GroupRows;
        uint used = 0;
        for (int w = 0; w < NicKey.WordCount; w++)
        {
            uint* column = Column(row, w);
            if (_valid[group] == 0) new Span<uint>(Column(group * GroupRows, w), GroupRows * 2).Clear();
            column[0] = Word(ref value, w);
            column[GroupRows] = Word(ref mask, w);
            if (column[GroupRows] != 0) used |= 1u << w;
        }
        _used[group] = _valid[group] == 0 ? used : _used[group] | used;
        _valid[group] |= 1u << (row % GroupRows);
        _rules[row] = (nint)rule;
        Count++;
        return FlowErrno.None;
    }

    /// <summary>Frees a row.</summary>
    public void Remove(int row)
    {
        _valid[row / GroupRows] &= ~(1u << (row % GroupRows));
        _rules[row] = 0;
        Count--;
    }

    /// <summary>Frees all rows.</summary>
    public void Clear()
    {
        new Span<uint>(_valid, _groupCount).Clear();
        Count = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        NativeMemory.AlignedFree(_columns);
        NativeMemory.Free(_used);
        NativeMemory.Free(_valid);
        NativeMemory.Free(_rules);
    }

    private RuleBlock* Find<TKernel>(ref NicKey key)
        where TKernel : struct, IWildcardKernel
    {
        if (Count == 0) return null;
        fixed (NicKey* k = &key)
        {
            for (int g = 0; g < _groupCount; g++)
            {
                if (_valid[g] == 0) continue;
                uint rows = TKernel.Match(_columns + ((long)g * GroupWords), _used[g], (uint*)k) & _valid[g];
                if (rows != 0) return (RuleBlock*)_rules[(g * GroupRows) + BitOperations.TrailingZeroCount(rows)];
            }
        }
        return null;
    }

    private bool IsAt(int row, ref NicKey mask, ref NicKey value)
    {
        for (int w = 0; w < NicKey.WordCount; w++)
        {
            uint* column = Column(row, w);
            if (column[0] != Word(ref value, w) || column[GroupRows] != Word(ref mask, w)) return false;
        }
        return true;
    }

    private uint* Column(int row, int word) => _columns + ((long)(row / GroupRows) * GroupWords) + (word * GroupRows * 2) + (row % GroupRows);

    private static uint Word(ref NicKey key, int i) => Unsafe.Add(ref Unsafe.As<NicKey, uint>(ref key), i);
}
