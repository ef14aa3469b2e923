using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Tests;

/// <summary>An XDP program of somebody else on a device, which passes every frame: as <c>ip link set DEVICE xdp</c> puts it there, or as a BPF link.</summary>
internal sealed class ForeignXdp : IDisposable
{
    private const ushort SetLink = 19;
    private const int Xdp = 43, XdpDescriptor = 1, XdpFlags = 3, Pass = 2;
    private const uint OnlyIfNone = 1;

    private readonly BpfProgram _program = BpfProgram.Load(BpfProgramType.Xdp, Passing(), "foreign");
    private readonly int _interface;
    private readonly uint _mode;
    private readonly BpfLink? _link;

    /// <param name="device">Where.</param>
    /// <param name="mode"><see cref="BpfLink.XdpGeneric"/> or <see cref="BpfLink.XdpNative"/>.</param>
    /// <param name="isLink">As a BPF link.</param>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public ForeignXdp(string device, uint mode, bool isLink)
    {
        (_interface, _mode) = (NetDevice.IndexOf(device), mode);
        try
        {
            if (isLink) _link = new BpfLink(_program, _interface, BpfAttachPoint.Xdp, mode);
            else if (Set(_program.Descriptor, mode | OnlyIfNone) is not 0 and var errno) throw new IOException($"XDP: errno {errno}");
        }
        catch
        {
            _program.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (_link is null) Set(-1, _mode);
        _link?.Dispose();
        _program.Dispose();
    }

    private static BpfInstruction[] Passing()
    {
        BpfAssembler a = new();
        a.Mov(BpfRegister.R0, Pass);
        a.Exit();
        return a.Finish();
    }

    private int Set(int descriptor, uint flags)
    {
        // struct ifinfomsg.
        byte[] info = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(info.AsSpan(4), _interface);
        using Rtnetlink net = new();
        return net.Order(new NetlinkWriter(SetLink, NetlinkWriter.Acknowledged).Raw(info).BeginNest(Xdp).Add(XdpDescriptor, (uint)descriptor).Add(XdpFlags, flags).EndNest());
    }
}
