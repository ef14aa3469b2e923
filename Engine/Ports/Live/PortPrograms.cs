using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;

namespace Mergeflow.Engine.Ports;

/// <summary>The tc and XDP programs of ports.</summary>
internal static class PortPrograms
{
    /// <summary>Every frame goes out by another interface, as it is.</summary>
    public static BpfInstruction[] Redirect(int interfaceIndex)
    {
        BpfAssembler a = new();
        a.Mov(R1, interfaceIndex);
        a.Mov(R2, 0);
        a.Call(BpfHelper.Redirect);
        a.Exit();
        return a.Finish();
    }

    /// <summary>XDP: every frame goes to the socket of its queue; of a queue without one, to the host's stack.</summary>
    public static BpfInstruction[] ToSockets(int map)
    {
        const int pass = 2, queueOfContext = 16;
        BpfAssembler a = new();
        a.LoadFrom(BpfSize.Word, R2, R1, queueOfContext);
        a.LoadMap(R1, map);
        a.Mov(R3, pass);
        a.Call(BpfHelper.RedirectMap);
        a.Exit();
        return a.Finish();
    }
}
