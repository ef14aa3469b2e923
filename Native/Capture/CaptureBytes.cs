using System.IO.MemoryMappedFiles;

namespace Mergeflow.Native;

/// <summary>The bytes of a file as memory: mapped, or read in when the file is a pipe or compressed.</summary>
internal sealed unsafe class CaptureBytes : IDisposable
{
    private MemoryMappedFile? _file;
    private MemoryMappedViewAccessor? _view;
    private PinnedBlock? _copy;

    private CaptureBytes()
    {
    }

    public byte* Pointer { get; private set; }

    public long LengthBytes { get; private set; }

    public static CaptureBytes Open(string path)
    {
        var bytes = new CaptureBytes();
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        Span<byte> head = stackalloc byte[2];
        if (!stream.CanSeek)
        {
            bytes.ReadIn(stream);
            return bytes;
        }

        int got = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (GunzipStream.IsGzip(head[..got])) bytes.ReadIn(new GunzipStream(stream));
        else if (got > 0) bytes.Map(stream);
        return bytes;
    }

    /// <summary>The rest of a stream.</summary>
    public static CaptureBytes Of(Stream stream)
    {
        var bytes = new CaptureBytes();
        bytes.ReadIn(stream);
        return bytes;
    }

    public void Dispose()
    {
        if (_view != null && Pointer != null) _view.SafeMemoryMappedViewHandle.ReleasePointer();
        Pointer = null;
        LengthBytes = 0;
        _view?.Dispose();
        _file?.Dispose();
        _copy?.Dispose();
    }

    private void Map(FileStream stream)
    {
        LengthBytes = stream.Length;
        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _file.CreateViewAccessor(0, LengthBytes, MemoryMappedFileAccess.Read);
        byte* p = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref p);
        Pointer = p + _view.PointerOffset;
    }

    private void ReadIn(Stream stream)
    {
        nuint capacityBytes = 1 << 20;
        nuint usedBytes = 0;
        PinnedBlock block = PinnedMemory.Allocate(capacityBytes);
        while (true)
        {
            int read = stream.Read(new Span<byte>(block.Pointer + usedBytes, (int)nuint.Min(capacityBytes - usedBytes, 1 << 20)));
            if (read == 0) break;
            usedBytes += (nuint)read;
            if (usedBytes < capacityBytes) continue;

            capacityBytes *= 2;
            PinnedBlock larger = PinnedMemory.Allocate(capacityBytes);
            Buffer.MemoryCopy(block.Pointer, larger.Pointer, capacityBytes, usedBytes);
            block.Dispose();
            block = larger;
        }

        _copy = block;
        Pointer = block.Pointer;
        LengthBytes = (long)usedBytes;
    }
}
