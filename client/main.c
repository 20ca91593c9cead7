/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/command.h"

int main(int argc, char **argv)
{
	return command_main(argc, argv);
}
