using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>Frames on their way into or out of the kernel: for each its virtio header, up to three parts, and room for what comes beside it. Memory that does not move; one thread.</summary>
public sealed unsafe class MessageBatch : IDisposable
{
    /// <summary>Frames in a batch.</summary>
    public const int MaxCount = 32;

    /// <summary>Parts of a frame, the virtio header included.</summary>
    public const int MaxParts = 4;

    /// <summary>Bytes for control messages (PACKET_AUXDATA is 36 of them).</summary>
    private const int ControlBytes = 64;

    /// <summary>Linux 6.14.</summary>
    private static readonly bool s_takesClasses = OperatingSystem.IsLinux() && Environment.OSVersion.Version >= new Version(6, 14);

    private readonly PinnedBlock _block;
    private readonly IoVector* _parts;
    private readonly VirtioNetHeader* _headers;
    private readonly byte* _control;

    /// <summary>An empty batch: every frame has its virtio header as first part.</summary>
    public MessageBatch()
    {
        int parts = MaxCount * MaxParts * sizeof(IoVector), messages = MaxCount * sizeof(MessageHeader);
        _block = PinnedMemory.Allocate((nuint)(messages + parts + (MaxCount * (ControlBytes + 16))), 64);
        Messages = (MessageHeader*)_block.Pointer;
        _parts = (IoVector*)(_block.Pointer + messages);
        _control = _block.Pointer + messages + parts;
        _headers = (VirtioNetHeader*)(_control + (MaxCount * ControlBytes));
        for (int i = 0; i < MaxCount; i++)
        {
            Messages[i] = new MessageHeader { Parts = PartsOf(i), PartCount = 1 };
            PartsOf(i)[0] = new IoVector { Base = HeaderOf(i), LengthBytes = VirtioNetHeader.SizeBytes };
        }
    }

    /// <summary>The array of <c>struct mmsghdr</c>.</summary>
    internal MessageHeader* Messages { get; }

    /// <summary>Parts of a frame; the first is its virtio header.</summary>
    public IoVector* PartsOf(int index) => _parts + (index * MaxParts);

    /// <summary>The virtio header of a frame.</summary>
    public VirtioNetHeader* HeaderOf(int index) => (VirtioNetHeader*)((byte*)_headers + (index * 16));

    /// <summary>How many parts a frame has.</summary>
    public void SetPartCount(int index, int count) => Messages[index].PartCount = (nuint)count;

    /// <summary>How many parts a frame has.</summary>
    public int PartCountOf(int index) => (int)Messages[index].PartCount;

    /// <summary>So many bytes were read, virtio header included.</summary>
    public void SetLength(int index, int lengthBytes) => (Messages[index].LengthBytes, Messages[index].Flags) = ((uint)lengthBytes, 0);

    /// <summary>Bytes that were received, virtio header included.</summary>
    public int LengthOf(int index) => (int)Messages[index].LengthBytes;

    /// <summary>The frame was longer than its parts.</summary>
    public bool IsTruncated(int index) => (Messages[index].Flags & SocketCalls.MsgTruncated) != 0;

    /// <summary>Before a frame is received: there is room for what comes beside it.</summary>
    internal void OfferControl(int index)
    {
        Messages[index].Control = _control + (index * ControlBytes);
        Messages[index].ControlBytes = ControlBytes;
    }

    /// <summary>Before a frame is sent: the class of the device's queueing discipline that takes it (SO_PRIORITY as a control message); 0 = its default one. Where the kernel takes no such messages, every frame has that one.</summary>
    public void SetClass(int index, uint tcClass)
    {
        MessageHeader* m = Messages + index;
        if (tcClass == 0 || !s_takesClasses)
        {
            m->Control = null;
            m->ControlBytes = 0;
            return;
        }

        const int cmsgHeaderBytes = 16;
        byte* control = _control + (index * ControlBytes);
        *(nuint*)control = cmsgHeaderBytes + sizeof(uint);
        (*(int*)(control + 8), *(int*)(control + 12)) = (SocketCalls.SolSocket, SocketCalls.SoPriority);
        *(uint*)(control + cmsgHeaderBytes) = tcClass;
        m->Control = control;
        m->ControlBytes = cmsgHeaderBytes + 8;
    }

    /// <summary>The tag that the kernel has taken out of a received frame (<c>struct tpacket_auxdata</c>): type and control information, host order.</summary>
    /// <returns>False if there was none.</returns>
    public bool TryTagOf(int index, out ushort tpid, out ushort tci)
    {
        const uint tagIsValid = 0x10, typeIsValid = 0x40;
        const int cmsgHeaderBytes = 16, auxDataBytes = 20;
        (tpid, tci) = (0, 0);
        MessageHeader* m = Messages + index;
        if (m->ControlBytes < cmsgHeaderBytes + auxDataBytes) return false;
        byte* control = (byte*)m->Control;
        if (*(nuint*)control < cmsgHeaderBytes + auxDataBytes || *(int*)(control + 8) != SocketCalls.SolPacket || *(int*)(control + 12) != SocketCalls.PacketAuxData) return false;
        byte* aux = control + cmsgHeaderBytes;
        uint status = *(uint*)aux;
        tci = *(ushort*)(aux + 16);
        if ((status & tagIsValid) == 0 && tci == 0) return false;
        tpid = (status & typeIsValid) != 0 ? *(ushort*)(aux + 18) : (ushort)0x8100;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _block.Dispose();
}

/// <summary><c>struct iovec</c>.</summary>
public unsafe struct IoVector
{
    /// <summary>First byte.</summary>
    public void* Base;

    /// <summary>Length.</summary>
    public nuint LengthBytes;
}

/// <summary><c>struct mmsghdr</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal unsafe struct MessageHeader
{
    [FieldOffset(0)] public void* Name;
    [FieldOffset(8)] public uint NameBytes;
    [FieldOffset(16)] public IoVector* Parts;
    [FieldOffset(24)] public nuint PartCount;
    [FieldOffset(32)] public void* Control;
    [FieldOffset(40)] public nuint ControlBytes;
    [FieldOffset(48)] public int Flags;
    [FieldOffset(56)] public uint LengthBytes;
}
