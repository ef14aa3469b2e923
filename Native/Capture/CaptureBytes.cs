using System.IO.MemoryMappedFiles;

namespace Mergeflow.Native;

/// <summary>The bytes of a file as memory: mapped, or read in when the file is a pipe.</summary>
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
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        var bytes = new CaptureBytes();
        if (!stream.CanSeek) bytes.ReadIn(stream);
        else if (stream.Length > 0) bytes.Map(stream);
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

    private void ReadIn(FileStream stream)
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
