using Microsoft.Win32.SafeHandles;

namespace Mergeflow.Native;

/// <summary>A map of the kernel. It lives as long as this object, a program or a link uses it.</summary>
public sealed unsafe class BpfMap : IDisposable
{
    /// <summary><c>BPF_F_MMAPABLE</c>: of arrays, so that <see cref="Memory"/> works.</summary>
    public const uint Mappable = 1 << 10;

    private readonly SafeFileHandle _handle;
    private byte* _memory;

    /// <summary>Makes a map.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public BpfMap(BpfMapType type, int keyBytes, int valueBytes, int entryCount, uint flags, string name)
    {
        BpfAttributes a = default;
        a.Words[0] = (uint)type;
        a.Words[1] = (uint)keyBytes;
        a.Words[2] = (uint)valueBytes;
        a.Words[3] = (uint)entryCount;
        a.Words[4] = flags;
        BpfCalls.WriteName(a.Bytes + 28, name);
        int fd = BpfCalls.Call(BpfCalls.MapCreate, &a);
        if (fd < 0) throw BpfCalls.Failure("MAP_CREATE");
        _handle = new SafeFileHandle(fd, ownsHandle: true);
        (KeyBytes, ValueBytes, EntryCount) = (keyBytes, valueBytes, entryCount);
    }

    /// <summary>An array of one element that this process and programs share; all zero.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public static BpfMap Shared(int sizeBytes, string name) => new(BpfMapType.Array, 4, sizeBytes, 1, Mappable, name);

    /// <summary>For <see cref="BpfAssembler.LoadMap"/>.</summary>
    public int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Bytes of a key.</summary>
    public int KeyBytes { get; }

    /// <summary>Bytes of a value.</summary>
    public int ValueBytes { get; }

    /// <summary>Most entries.</summary>
    public int EntryCount { get; }

    /// <summary>Length of what <see cref="Memory"/> points to, without the rest of the last page. Elements stand at multiples of 8 bytes.</summary>
    public nuint SizeBytes => (nuint)((ValueBytes + 7) & ~7) * (nuint)EntryCount;

    /// <summary>The array itself, as programs read and write it. Good until the map is disposed.</summary>
    /// <exception cref="BpfException">No array, or not <see cref="Mappable"/>.</exception>
    public byte* Memory
    {
        get
        {
            if (_memory != null) return _memory;
            void* p = Libc.Mmap(null, SizeBytes, Libc.ProtRead | Libc.ProtWrite, BpfCalls.MapShared, Descriptor, 0);
            if (p == Libc.MapFailed) throw BpfCalls.Failure("mmap of a map");
            return _memory = (byte*)p;
        }
    }

    /// <summary>The array itself, bounds-checked; the first 2 GiB.</summary>
    public Span<byte> Span => new(Memory, (int)nuint.Min(SizeBytes, int.MaxValue));

    /// <summary>Writes an entry; adds it if it is not there.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void Update(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Check(key, value.Length);
        fixed (byte* k = key, v = value)
        {
            if (Entry(BpfCalls.MapUpdate, k, v) < 0) throw BpfCalls.Failure("MAP_UPDATE_ELEM");
        }
    }

    /// <summary>The same for keys and values of 32 bits.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void Update(uint key, uint value) => Update(new ReadOnlySpan<byte>(&key, 4), new ReadOnlySpan<byte>(&value, 4));

    /// <summary>Reads an entry; false if it is not there.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public bool TryLookup(ReadOnlySpan<byte> key, Span<byte> value)
    {
        Check(key, value.Length);
        fixed (byte* k = key, v = value)
        {
            if (Entry(BpfCalls.MapLookup, k, v) >= 0) return true;
            return BpfCalls.Errno == BpfCalls.NoEntry ? false : throw BpfCalls.Failure("MAP_LOOKUP_ELEM");
        }
    }

    /// <summary>Removes an entry; false if it is not there.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public bool Delete(ReadOnlySpan<byte> key)
    {
        Check(key, ValueBytes);
        fixed (byte* k = key)
        {
            if (Entry(BpfCalls.MapDelete, k, null) >= 0) return true;
            return BpfCalls.Errno == BpfCalls.NoEntry ? false : throw BpfCalls.Failure("MAP_DELETE_ELEM");
        }
    }

    /// <summary>From now on no process writes it any more; programs may. Not for a map whose <see cref="Memory"/> is in use.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void Freeze()
    {
        BpfAttributes a = default;
        a.Words[0] = (uint)Descriptor;
        if (BpfCalls.Call(BpfCalls.MapFreeze, &a) < 0) throw BpfCalls.Failure("MAP_FREEZE");
    }

    /// <summary>Unmaps the memory and gives the map back.</summary>
    public void Dispose()
    {
        if (_memory != null) _ = Libc.Munmap(_memory, SizeBytes);
        _memory = null;
        _handle.Dispose();
    }

    private void Check(ReadOnlySpan<byte> key, int valueBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(valueBytes, ValueBytes);
    }

    private int Entry(int command, byte* key, byte* value)
    {
        BpfAttributes a = default;
        a.Words[0] = (uint)Descriptor;
        a.Quads[1] = (ulong)key;
        a.Quads[2] = (ulong)value;
        return BpfCalls.Call(command, &a);
    }
}

/// <summary>Kinds of maps (<c>enum bpf_map_type</c>).</summary>
public enum BpfMapType
{
    /// <summary>Hash table.</summary>
    Hash = 1,

    /// <summary>Array; its index is the key, 32 bits.</summary>
    Array = 2,

    /// <summary>Rings of records for user space, by processor.</summary>
    PerfEventArray = 4,

    /// <summary>Array with a copy for each processor.</summary>
    PerCpuArray = 6,

    /// <summary>Interfaces by number, for XDP.</summary>
    DeviceMap = 14,

    /// <summary>AF_XDP sockets by queue.</summary>
    XskMap = 17,
}
