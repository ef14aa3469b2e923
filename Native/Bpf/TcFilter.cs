using System.Buffers.Binary;
using System.ComponentModel;

namespace Mergeflow.Native;

/// <summary>A tc program as a filter of the <c>clsact</c> queueing discipline (<c>tc filter add dev X ingress bpf da</c>). It is the kernel's own and outlives the process.</summary>
internal sealed class TcFilter : IDisposable
{
    private const ushort NewQdisc = 36;
    private const ushort NewFilter = 44;
    private const ushort DeleteFilter = 45;
    private const int Exists = 17;
    private const int Kind = 1;
    private const int Options = 2;
    private const int BpfDescriptor = 6;
    private const int BpfName = 7;
    private const int BpfFlags = 8;
    private const uint DirectAction = 1;
    private const uint ClsactHandle = 0xffff_0000;
    private const uint ClsactParent = 0xffff_fff1;
    private const uint Ingress = 0xffff_fff2;
    private const uint Egress = 0xffff_fff3;
    private const uint Handle = 1;

    /// <summary>Priority and protocol (all): ours, so that what is left of a killed process is found again.</summary>
    private const uint PriorityAndProtocol = (0x4d46u << 16) | 0x0300;

    private const ushort Replace = 1 | 4 | 0x400;

    private readonly Rtnetlink _net = new();
    private readonly int _interfaceIndex;
    private readonly uint _parent;

    public TcFilter(BpfProgram program, int interfaceIndex, bool isEgress)
    {
        (_interfaceIndex, _parent) = (interfaceIndex, isEgress ? Egress : Ingress);
        try
        {
            int errno = _net.Order(new NetlinkWriter(NewQdisc, NetlinkWriter.Create).Raw(Message(ClsactHandle, ClsactParent, 0)).Add(Kind, "clsact"));
            if (errno is not (0 or Exists)) throw new IOException($"clsact: {new Win32Exception(errno).Message}");
            Update(program);
        }
        catch
        {
            _net.Dispose();
            throw;
        }
    }

    public void Update(BpfProgram program)
    {
        int errno = _net.Order(new NetlinkWriter(NewFilter, Replace).Raw(Message(Handle, _parent, PriorityAndProtocol)).Add(Kind, "bpf")
            .BeginNest(Options).Add(BpfDescriptor, (uint)program.Descriptor).Add(BpfName, "mergeflow").Add(BpfFlags, DirectAction).EndNest());
        if (errno != 0) throw new IOException($"bpf filter: {new Win32Exception(errno).Message}");
    }

    /// <summary>Removes the filter; the discipline stays, somebody else may have filters there.</summary>
    public void Dispose()
    {
        try
        {
            _net.Order(new NetlinkWriter(DeleteFilter, NetlinkWriter.Acknowledged).Raw(Message(Handle, _parent, PriorityAndProtocol)).Add(Kind, "bpf"));
        }
        catch (IOException)
        {
            // The interface is gone, and the filter with it.
        }

        _net.Dispose();
    }

    /// <summary><c>struct tcmsg</c>.</summary>
    private byte[] Message(uint handle, uint parent, uint info)
    {
        byte[] m = new byte[20];
        BinaryPrimitives.WriteInt32LittleEndian(m.AsSpan(4), _interfaceIndex);
        BinaryPrimitives.WriteUInt32LittleEndian(m.AsSpan(8), handle);
        BinaryPrimitives.WriteUInt32LittleEndian(m.AsSpan(12), parent);
        BinaryPrimitives.WriteUInt32LittleEndian(m.AsSpan(16), info);
        return m;
    }
}
