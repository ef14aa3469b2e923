using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>
/// An AF_XDP socket for one queue of a device (Documentation/networking/af_xdp.rst): frames lie in memory of its own, one half for those that come in, one for those that leave. In copy mode, which every
/// device has. Receiving is for one thread, sending for one, at the same time.
/// </summary>
public sealed unsafe class XdpSocket : IDisposable
{
    /// <summary>EINVAL.</summary>
    public const int NoSuchQueue = 22;

    /// <summary>Frames for each direction.</summary>
    public const int FrameCount = 2048;

    private const int Family = 44, Level = 283, Offsets = 1, RxRing = 2, TxRing = 3, Register = 4, FillRing = 5, CompletionRing = 6, Statistics = 7;
    private const ushort CopyMode = 2, UsesWakeup = 8;
    private const long TxPages = 0x8000_0000, FillPages = 0x1_0000_0000, CompletionPages = 0x1_8000_0000;
    private const int DescriptorBytes = 16, AddressBytes = 8;

    /// <summary>The kernel keeps so many bytes in front of each frame (<c>XDP_PACKET_HEADROOM</c>).</summary>
    private const int HeadroomBytes = 256;

    /// <summary>A queue whose socket was just closed is busy for a while.</summary>
    private const int BusyAttempts = 200, BusyWaitMs = 10;

    /// <summary>The kernel takes 32 frames a call in copy mode, then says EAGAIN.</summary>
    private const int KickAttempts = (FrameCount / 32) + 1;

    private readonly PinnedBlock _frames;
    private readonly int _chunkBytes;
    private readonly ulong[] _freeTx = new ulong[FrameCount];
    private XdpRing _rx, _tx, _fill, _completion;
    private int _freeTxCount;
    private uint _written;
    private int _fd;

    /// <summary>Opens and binds a socket; frames come once it is in the map of an XDP program.</summary>
    /// <param name="interfaceIndex">The device.</param>
    /// <param name="queue">Its queue.</param>
    /// <param name="chunkBytes">2048 or 4096: room for a frame and 256 bytes in front of it.</param>
    /// <exception cref="IOException">Refused by the system; its code is errno, <see cref="NoSuchQueue"/> for a queue that is not in use.</exception>
    public XdpSocket(int interfaceIndex, int queue, int chunkBytes)
    {
        _chunkBytes = chunkBytes;
        _frames = PinnedMemory.Allocate((nuint)(2 * FrameCount * chunkBytes), 4096);
        _fd = SocketCalls.Socket(Family, SocketCalls.SockRaw | SocketCalls.CloseOnExec, 0);
        try
        {
            if (_fd < 0) throw Refused("socket");
            SetUpRings();
            Bind(interfaceIndex, queue);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>To be waited for: readable while there is a frame. Says nothing of a device that is gone.</summary>
    public int Descriptor => _fd;

    /// <summary>Longest frame.</summary>
    public int MaxFrameBytes => _chunkBytes - HeadroomBytes;

    /// <summary>Longest frame in chunks of that size.</summary>
    public static int MaxFrameBytesOf(int chunkBytes) => chunkBytes - HeadroomBytes;

    /// <summary>Frames that have come in.</summary>
    public int Available => (int)Math.Min(_rx.Filled, FrameCount);

    /// <summary>One of them, 0 to <see cref="Available"/> - 1; good until <see cref="Release"/>.</summary>
    public byte* Frame(int index, out int lengthBytes)
    {
        byte* d = _rx.At((uint)index, DescriptorBytes);
        lengthBytes = *(int*)(d + AddressBytes);
        return _frames.Pointer + *(ulong*)d;
    }

    /// <summary>The first so many are done with: their memory is given back to the kernel.</summary>
    public void Release(int count)
    {
        // As many places as chunks: there is always room.
        for (int i = 0; i < count; i++) *(ulong*)_fill.At((uint)i, AddressBytes) = *(ulong*)_rx.At((uint)i, DescriptorBytes) & ~(ulong)(_chunkBytes - 1);
        _fill.Produce((uint)count);
        _rx.Consume((uint)count);
    }

    /// <summary>Room for a frame that leaves; null if all is with the kernel. <see cref="Write"/> comes next.</summary>
    public byte* Reserve()
    {
        if (_freeTxCount == 0) Reclaim();
        return _freeTxCount == 0 ? null : _frames.Pointer + _freeTx[_freeTxCount - 1];
    }

    /// <summary>The frame that was reserved has that length and leaves by the next <see cref="Flush"/>.</summary>
    public void Write(int lengthBytes)
    {
        byte* d = _tx.At(_written++, DescriptorBytes);
        *(ulong*)d = _freeTx[--_freeTxCount];
        *(ulong*)(d + AddressBytes) = (uint)lengthBytes;
    }

    /// <summary>What was written leaves. Returns 0, or the errno that keeps it.</summary>
    public int Flush()
    {
        if (_written > 0) _tx.Produce(_written);
        _written = 0;
        for (int i = 0; i < KickAttempts && _tx.IsPending && _tx.NeedsWakeup; i++)
        {
            if (SocketCalls.SendTo(_fd, null, 0, SocketCalls.MsgDontWait, null, 0) >= 0) continue;
            int errno = Marshal.GetLastPInvokeError();
            if (errno is SocketCalls.TryAgain or SocketCalls.Interrupted) continue;
            if (errno is not (SocketCalls.Busy or SocketCalls.NoBuffers)) return errno;
            Reclaim();
        }

        return 0;
    }

    /// <summary>What the kernel has counted (<c>struct xdp_statistics</c>): frames that it dropped, those that came while the ring was full, and descriptors to be sent that it refused.</summary>
    public (ulong Dropped, ulong RingFull, ulong TxInvalid) KernelCounters()
    {
        ulong* s = stackalloc ulong[6];
        uint length = 48;
        new Span<ulong>(s, 6).Clear();
        _ = SocketCalls.GetSockOpt(_fd, Level, Statistics, s, &length);
        return (s[0], s[3], s[2]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        int fd = Interlocked.Exchange(ref _fd, -1);
        if (fd >= 0) _ = SocketCalls.Close(fd);
        _rx.Unmap();
        _tx.Unmap();
        _fill.Unmap();
        _completion.Unmap();
        _rx = _tx = _fill = _completion = default;
        _frames.Dispose();
    }

    private void Reclaim()
    {
        uint done = _completion.Filled;
        for (uint i = 0; i < done; i++) _freeTx[_freeTxCount++] = *(ulong*)_completion.At(i, AddressBytes);
        _completion.Consume(done);
    }

    private void SetUpRings()
    {
        // struct xdp_umem_reg.
        ulong* memory = stackalloc ulong[4];
        memory[0] = (ulong)_frames.Pointer;
        memory[1] = (ulong)(2 * FrameCount * _chunkBytes);
        memory[2] = (uint)_chunkBytes;
        memory[3] = 0;
        Set(Register, memory, 32, "XDP_UMEM_REG");
        uint count = FrameCount;
        foreach (int ring in (ReadOnlySpan<int>)[FillRing, CompletionRing, RxRing, TxRing]) Set(ring, &count, sizeof(uint), "a ring");

        // Four of struct xdp_ring_offset: producer, consumer, entries, flags; for rx, tx, fill, completion.
        ulong* offsets = stackalloc ulong[16];
        uint length = 128;
        if (SocketCalls.GetSockOpt(_fd, Level, Offsets, offsets, &length) < 0 || length != 128) throw Refused("XDP_MMAP_OFFSETS");
        _rx = new XdpRing(_fd, 0, offsets, count, DescriptorBytes);
        _tx = new XdpRing(_fd, TxPages, offsets + 4, count, DescriptorBytes);
        _fill = new XdpRing(_fd, FillPages, offsets + 8, count, AddressBytes);
        _completion = new XdpRing(_fd, CompletionPages, offsets + 12, count, AddressBytes);
        for (uint i = 0; i < count; i++)
        {
            *(ulong*)_fill.At(i, AddressBytes) = i * (ulong)_chunkBytes;
            _freeTx[i] = (count + i) * (ulong)_chunkBytes;
        }

        _fill.Produce(count);
        _freeTxCount = FrameCount;
    }

    private void Bind(int interfaceIndex, int queue)
    {
        // struct sockaddr_xdp.
        uint* address = stackalloc uint[4];
        address[0] = Family | ((uint)(CopyMode | UsesWakeup) << 16);
        address[1] = (uint)interfaceIndex;
        address[2] = (uint)queue;
        address[3] = 0;
        for (int i = 0; SocketCalls.Bind(_fd, (byte*)address, 16) < 0; i++)
        {
            if (Marshal.GetLastPInvokeError() != SocketCalls.Busy || i == BusyAttempts) throw Refused($"queue {queue}");
            Thread.Sleep(BusyWaitMs);
        }
    }

    private void Set(int option, void* value, uint lengthBytes, string what)
    {
        if (SocketCalls.SetSockOpt(_fd, Level, option, value, lengthBytes) < 0) throw Refused(what);
    }

    private static IOException Refused(string what)
    {
        int errno = Marshal.GetLastPInvokeError();
        return new IOException($"AF_XDP: {what}: {Marshal.GetPInvokeErrorMessage(errno)}", errno);
    }
}
