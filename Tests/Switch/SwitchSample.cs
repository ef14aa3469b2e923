using Mergeflow.Switch;

namespace Mergeflow.Tests;

/// <summary>The sample that README.md quotes: a stateful switch in a program.</summary>
internal static class SwitchSample
{
    public static void Run(byte[] request, byte[] reply, TextWriter output)
    {
        using VirtualSwitch vswitch = new VirtualSwitchBuilder()
            .AddPort("lan", 1)
            .AddPort("wan", 2)
            .WithOffload(SwitchOffload.Software)
            .Build();
        vswitch.AddFlows("""
            table=0,priority=10,ct_state=-trk,ip,actions=ct(table=1)
            table=1,priority=10,ct_state=+trk+new,ip,in_port=lan,actions=ct(commit),output:wan
            table=1,priority=10,ct_state=+trk+est,ip,in_port=lan,actions=output:wan
            table=1,priority=10,ct_state=+trk+est,ip,in_port=wan,actions=output:lan
            """);

        byte[] frame = new byte[1514];
        for (int i = 0; i < 1000; i++)
        {
            vswitch.Send(1, request);
            vswitch.Send(2, reply);
            while (vswitch.TryRead(frame, out uint port, out int length))
            {
                if (i == 0) output.WriteLine($"{length} bytes left by port {port}");
            }

            // The offload thread merges what it has seen: one rule for each direction.
            if (i == 10) SpinWait.SpinUntil(() => vswitch.Counters.MergedRules == 2, TimeSpan.FromSeconds(10));
        }

        SwitchCounters counters = vswitch.Counters;
        output.WriteLine($"{counters.Transmitted} of {counters.Received} frames forwarded, {counters.Connections} connection, {counters.MergedRules} merged rules");
    }
}
